"""The chains that tie every row of the journal, and of the audit, to all rows before it.

Plan: a row's link is HMAC-SHA-256 over the link before and the row's canonical bytes,
under a key drawn from the vault, another one for each chain; the head (last sequence, last
link) is sealed with the same key.  What is in the file alone is not enough to make a link
or a seal.  The seal of the journal's head tells besides whether the file has an audit, so
that an audit taken out as a whole is missed.
Found: a row edited, deleted, added, moved, and a tail cut off, with or without the head
put back by hand.  Not found: the whole file replaced by an older genuine copy of it, or
the tail cut and the head's row restored from such a copy; who holds the vault's keys can
write a new chain.  Against the first, note ``head`` elsewhere.  The tables of PIN tries
and business dates, and the notes of answers that were not told, are not chained.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from atm_switch.adapters.audit_rows import AUDIT_COLUMNS
from atm_switch.adapters.journal_rows import COLUMNS, Cell
from atm_switch.adapters.journal_text import usual_text
from atm_switch.security.keyed_hash import KeyedHash
from atm_switch.security.vault import Vault

LINK_BYTES: Final = 32
GENESIS: Final = bytes(LINK_BYTES)
"""The link before the first row."""

_ROW_LABEL: Final = b"row\x00"
_HEAD_LABEL: Final = b"head\x00"
_FLOOR_LABEL: Final = b"floor\x00"
_HEAD_BESIDE_AUDIT_LABEL: Final = b"head beside an audit\x00"


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain ends: the last row's sequence (0 for none) and its link."""

    seq: int
    chain: bytes


BEGINNING: Final = Head(0, GENESIS)
"""The head of a journal without rows."""


class RowChain:
    """Makes links and seals of one table.  Not printable, for it holds a key."""

    __slots__ = ("_keyed", "_labelled", "_short")

    def __init__(self, vault: Vault, label: bytes, columns: Sequence[str]) -> None:
        """Draw the chain's own key from the vault's fingerprint key.

        ``columns`` names the cells in their order; the one called ``chain`` is not linked.
        """
        self._keyed = KeyedHash(vault.fingerprint(label))
        self._short = usual_text if columns is COLUMNS else None
        self._labelled = tuple(
            (at, f"{name}=s".encode(), f"{name}=i".encode(), f"{name}=b".encode())
            for at, name in enumerate(columns)
            if name != "chain"
        )

    def link_cells(self, before: bytes, cells: Sequence[Cell]) -> bytes:
        """Return the link (32 bytes) of a row's cells behind the link ``before``."""
        text = self._short(cells) if self._short is not None else None
        return self._code(_ROW_LABEL + before + (text or self.canonical(cells)))

    def canonical(self, cells: Sequence[Cell]) -> bytes:
        """Write a row, all but its link, as bytes no other row has.

        Each cell carries its column's name, type and length; empty ones are left out, so
        that a column added by a later schema leaves the links of older rows right.
        """
        parts = []
        for at, as_text, as_number, as_octets in self._labelled:
            cell = cells[at]
            if cell is None:
                continue
            if isinstance(cell, str):
                label, octets = as_text, cell.encode()
            elif isinstance(cell, int):
                label, octets = as_number, b"%d" % cell
            else:
                label, octets = as_octets, cell
            parts.append(b"%b%d:%b," % (label, len(octets), octets))
        return b"".join(parts)

    def seal(self, head: Head) -> bytes:
        """Return what proves that this head was written by who holds the key."""
        return self._seal_as(_HEAD_LABEL, head)

    def is_sealed(self, head: Head, seal: bytes) -> bool:
        """Tell whether ``seal`` is that of ``head``."""
        return hmac.compare_digest(self.seal(head), seal)

    def floor_seal(self, floor: Head) -> bytes:
        """Return what proves that all rows up to ``floor`` were let go by who holds the key."""
        return self._seal_as(_FLOOR_LABEL, floor)

    def is_floor(self, floor: Head, seal: bytes) -> bool:
        """Tell whether ``seal`` is that of ``floor``."""
        return hmac.compare_digest(self.floor_seal(floor), seal)

    def _seal_as(self, label: bytes, head: Head) -> bytes:
        return self._code(label + b"%d:" % head.seq + head.chain)

    def _code(self, material: bytes) -> bytes:
        return self._keyed.code(material)

    def __repr__(self) -> str:
        """Show the type only."""
        return f"<{type(self).__name__}>"


class JournalChain(RowChain):
    """The chain of the transactions."""

    __slots__ = ()

    def __init__(self, vault: Vault) -> None:
        """Draw the chain's own key from the vault's fingerprint key."""
        super().__init__(vault, b"atm-switch journal chain 1", COLUMNS)

    def seal(self, head: Head) -> bytes:
        """Return the seal of a head in a file that has an audit, which all have by now."""
        return self._seal_as(_HEAD_BESIDE_AUDIT_LABEL, head)

    def is_sealed(self, head: Head, seal: bytes) -> bool:
        """Tell whether ``seal`` is that of ``head``, also one of the first release."""
        if self.tells_of_audit(head, seal):
            return True
        return hmac.compare_digest(self._seal_as(_HEAD_LABEL, head), seal)

    def tells_of_audit(self, head: Head, seal: bytes) -> bool:
        """Tell whether ``seal`` is that of ``head`` and was made where an audit is."""
        return hmac.compare_digest(self.seal(head), seal)


class AuditChain(RowChain):
    """The chain of the audit's rows."""

    __slots__ = ()

    def __init__(self, vault: Vault) -> None:
        """Draw the chain's own key from the vault's fingerprint key."""
        super().__init__(vault, b"atm-switch audit chain 1", AUDIT_COLUMNS)


class NodeChain(RowChain):
    """The chain of one node's rows in a journal, or an audit, that several nodes write."""

    __slots__ = ()

    def __init__(self, vault: Vault, book: str, node: str, columns: Sequence[str]) -> None:
        """Draw the chain's own key: no row of one node fits behind one of another."""
        super().__init__(vault, f"atm-switch {book} chain 1 of node {node}".encode(), columns)


def chains_of(vault: Vault, node: str) -> tuple[NodeChain, NodeChain]:
    """Return the chains of a node's journal and of its audit."""
    journal = NodeChain(vault, "journal", node, COLUMNS)
    return journal, NodeChain(vault, "audit", node, AUDIT_COLUMNS)
