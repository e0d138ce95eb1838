"""The figures there are, in the order of the table."""

from typing import NamedTuple


class Entry(NamedTuple):
    """A module of this package, and what it measures in a few words."""

    name: str
    about: str


ENTRIES = (
    Entry("codec", "a message read, answered and written, beside pyiso8583"),
    Entry("peers", "the same beside other libraries, installed for it"),
    Entry("crypto", "MACs and PINs beside the bare calls of cryptography"),
    Entry("full_path", "durable inquiries a second, beside the usual way and without a journal"),
    Entry("path_pieces", "instructions of an inquiry by piece: the same on a busy machine"),
    Entry("answering", "a server that decodes and answers, beside a framed echo"),
    Entry("lookups", "ledger look-ups, large against small, batched against one by one"),
    Entry("workers", "two workers against one, on either store"),
    Entry("calm", "slowest answers, many links, start, pauses and memory"),
)
