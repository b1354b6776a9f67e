"""What it brings to race: the device computes on while the server is asked."""
