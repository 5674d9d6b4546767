"""The fields of a model's features beyond those of a question's texts, which are `text.tokenized.FIELDS`."""

TEXT, NUMERIC, KEYWORD = "text", "numeric", "keyword"
"""Fields of features that are not of one text: of several texts taken together; numeric columns; a search for words."""

OTHERS, INTERCEPT = "others", "intercept"
"""What `break_down` has as the field of its last two lines of a question."""
