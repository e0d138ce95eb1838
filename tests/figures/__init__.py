"""Commands that measure and print the figures the README quotes."""
