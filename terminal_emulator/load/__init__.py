"""Load on a host: a rate that does not wait for it, and what the host made of it."""
