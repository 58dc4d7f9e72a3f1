"""Records in, records out; pure. `stock`: what a channel may sell, out of levels per warehouse."""
