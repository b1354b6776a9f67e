"""Links and devices by the kernel's own means, and whether the emulated ones agree with them."""
