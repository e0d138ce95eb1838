"""Golden messages, read in both directions."""
