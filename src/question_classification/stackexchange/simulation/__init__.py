"""What the simulated site is made of: topics and phrases (data), invented words, templates, and a writer of posts."""
