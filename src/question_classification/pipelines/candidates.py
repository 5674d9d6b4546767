"""The names of the candidates, which are their namespaces."""

CANDIDATES = ("prior", "keyword", "numeric_logistic", "tfidf_logistic", "fielded_logistic", "nb_svm_logistic")

DEPLOYABLE = ("prior", "keyword", "tfidf_logistic", "fielded_logistic", "nb_svm_logistic")
"""Those that use only what is known of a new question, the simplest first."""

SELECTED = "selected"
"""The namespace of the selected candidate, calibrated."""
