"""Sessions and an independent generator of load on one Triton."""
