"""WHAT THE WORLD IS LIKE NOW: link and load, from samples as they come."""
