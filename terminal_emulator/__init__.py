"""The terminal emulator: plays the ATM."""
