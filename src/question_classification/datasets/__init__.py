"""Kedro datasets over the forms of Stack Exchange's data and our files."""
