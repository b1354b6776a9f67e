"""HOW a value travels: Open Inference Protocol, frames, error mapping."""
