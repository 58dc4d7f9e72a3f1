"""Records in, records out; pure. `stock`: what a channel may sell, out of levels per warehouse; `customers`: a guest's
order as a customer record."""
