"""How good cuts are found: listed, as prefixes, by minimum cuts, on the lower envelope."""
