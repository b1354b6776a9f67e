"""The same code on a real clock beside its rivals: links, zoo, experiments."""
