"""Estimators and metrics: scikit-learn, nothing else."""
