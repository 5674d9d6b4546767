"""Git, DVC and MLflow bound together."""
