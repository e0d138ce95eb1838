"""What the operator writes in ``switch.toml``: read once, judged whole, handed on frozen."""
