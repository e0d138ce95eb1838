"""Scenarios: what a tester writes down, played against a host and judged."""
