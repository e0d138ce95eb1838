"""Claims about the sockets around the core."""
