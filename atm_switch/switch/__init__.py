"""The decisions: a synchronous step machine that takes input and time, and returns effects."""
