"""Whether splitting a net pays, over links and devices, with inputs as they really travel."""
