"""Others read what we write."""
