"""The text of a question."""
