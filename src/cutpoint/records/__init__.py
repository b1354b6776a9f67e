"""The frozen types that travel between rooms."""
