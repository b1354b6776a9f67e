"""One published scheme, or ours, per file."""
