"""The figures there are, in the order of the table."""

from typing import NamedTuple


class Entry(NamedTuple):
    """A module of this package, and what it measures in a few words."""

    name: str
    about: str


ENTRIES = (Entry("codec", "a message read, answered and written, beside pyiso8583"),)
