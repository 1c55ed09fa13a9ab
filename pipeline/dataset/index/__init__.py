"""The index page: a table of the newest results below a prefix."""
