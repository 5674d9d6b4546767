"""Which version of the model is in use, and who may take its place."""
