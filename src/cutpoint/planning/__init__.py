"""WHERE each node runs: pure functions from costs to plans."""
