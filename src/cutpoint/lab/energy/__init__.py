"""Joules: what each policy's choices cost a device, on both clocks."""
