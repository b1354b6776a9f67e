"""FROM samples TO numbers a planner may add, and the one latency objective."""
