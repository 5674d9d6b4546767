"""The pipelines: one a folder, with its nodes, its parameters and a page about it."""
