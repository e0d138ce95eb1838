"""The chain that ties every journal row to all rows before it.

Plan: a row's link is HMAC-SHA-256 over the link before and the row's canonical bytes,
under a key drawn from the vault; the head (last sequence, last link) is sealed with the
same key.  What is in the file alone is not enough to make a link or a seal.
Found: a row edited, deleted, added, moved, and a tail cut off, with or without the head
put back by hand.  Not found: the whole file replaced by an older genuine copy of it, or
the tail cut and the head's row restored from such a copy; who holds the vault's keys can
write a new chain.  Against the first, note ``head`` elsewhere.  The tables of PIN tries
and business dates are not chained.
"""

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from atm_switch.adapters.journal_rows import COLUMNS, Cell, JournalRow, cells_of
from atm_switch.security.vault import Vault

LINK_BYTES: Final = 32
GENESIS: Final = bytes(LINK_BYTES)
"""The link before the first row."""

_KEY_LABEL: Final = b"atm-switch journal chain 1"
_HEAD_LABEL: Final = b"head\x00"
_ROW_LABEL: Final = b"row\x00"
_LABELLED: Final = tuple((name.encode(), at) for at, name in enumerate(COLUMNS) if name != "chain")


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain ends: the last row's sequence (0 for none) and its link."""

    seq: int
    chain: bytes


BEGINNING: Final = Head(0, GENESIS)
"""The head of a journal without rows."""


class JournalChain:
    """Makes links and seals.  Not printable, for it holds a key."""

    __slots__ = ("_key",)

    def __init__(self, vault: Vault) -> None:
        """Draw the chain's own key from the vault's fingerprint key."""
        self._key = vault.fingerprint(_KEY_LABEL)

    def link(self, before: bytes, row: JournalRow) -> bytes:
        """Return the link of ``row`` (32 bytes) behind the link ``before``."""
        return hmac.digest(self._key, _ROW_LABEL + before + canonical(row), hashlib.sha256)

    def seal(self, head: Head) -> bytes:
        """Return what proves that this head was written by who holds the key."""
        material = _HEAD_LABEL + b"%d:" % head.seq + head.chain
        return hmac.digest(self._key, material, hashlib.sha256)

    def is_sealed(self, head: Head, seal: bytes) -> bool:
        """Tell whether ``seal`` is that of ``head``."""
        return hmac.compare_digest(self.seal(head), seal)

    def __repr__(self) -> str:
        """Show the type only."""
        return "<JournalChain>"


def canonical(row: JournalRow) -> bytes:
    """Write a row, all but its link, as bytes no other row has.

    Each cell carries its column's name, type and length; empty ones are left out, so that
    a column added by a later schema leaves the links of older rows right.
    """
    return b"".join(_cells(cells_of(row)))


def _cells(cells: tuple[Cell, ...]) -> Iterator[bytes]:
    for name, at in _LABELLED:
        cell = cells[at]
        if cell is None:
            continue
        kind, content = _content(cell)
        yield b"%s=%s%d:%s," % (name, kind, len(content), content)


def _content(cell: str | int | bytes) -> tuple[bytes, bytes]:
    if isinstance(cell, str):
        return b"s", cell.encode()
    if isinstance(cell, int):
        return b"i", b"%d" % cell
    return b"b", cell
