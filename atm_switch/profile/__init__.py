"""A dialect as a value: one file in ``specs/profiles`` read into frozen dataclasses."""
