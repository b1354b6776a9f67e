"""Published tables on one clock: the printed cells, and every policy in them."""
