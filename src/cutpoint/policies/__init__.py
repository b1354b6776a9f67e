"""WHO DECIDES: one file per policy."""
