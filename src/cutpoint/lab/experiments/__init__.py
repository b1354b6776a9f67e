"""One file per experiment, and the one form of their reports."""
