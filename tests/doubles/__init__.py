"""Doubles of ports: named for the need they meet and the trick they do."""
