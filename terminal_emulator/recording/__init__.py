"""What goes over a line, written down without secrets, and played again."""
