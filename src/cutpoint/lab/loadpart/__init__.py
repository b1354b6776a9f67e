"""LoADPart's grid: six nets under growing server load, who knows of the load and who does not."""
