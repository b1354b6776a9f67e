"""HOW LONG it takes, by the clock; the profile file."""
