"""Slips: what the ATM prints, as text, SVG, PNG or the bytes of a receipt printer."""
