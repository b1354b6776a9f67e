"""ONE inference as a state machine: events in, actions out."""
