"""What runs have found: the summary of one, several side by side. For people, in the terminal and as a page."""
