"""A stored 0210 with its runs of spaces folded, so that two rows share a page of the file.

Plan: a screen and a receipt are lines of text, filled up with spaces; eight of them become one
byte that no text has.  An answer that has that byte, or no such run, is stored as it is; which
it was is bound to its seal.
Why no better packing: deflate makes it a third, for more CPU than all else a row takes; what
counts is that a row is less than half a page.
Limits: spaces of ASCII; answers of other alphabets are stored as they are.
"""

from typing import Final

_RUN: Final = b" " * 8
_MARK: Final = b"\x01"


def folded(payload: bytes) -> bytes | None:
    """Return a shorter spelling; ``None`` where there is none."""
    if _MARK in payload:
        return None
    short = payload.replace(_RUN, _MARK)
    return short if len(short) < len(payload) else None


def unfolded(spelling: bytes) -> bytes:
    """Return what ``folded`` was given."""
    return spelling.replace(_MARK, _RUN)
