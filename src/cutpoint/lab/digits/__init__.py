"""A small CNN that reads digits, trained here, so that loss of accuracy is real."""
