"""Version 2.3 of the Stack Exchange API: https://api.stackexchange.com/docs."""
