"""What a power cut leaves of two files: the journal's and its write-ahead log's.

Plan: given the bytes before a commit and after it, ``torn`` mixes them as a disk may that was
cut off meanwhile: any of the 512-byte sectors written since the last sync are there or not,
or a stream is cut at any byte.  The syncs in between are kept to, as SQLite orders them (its
"Write-Ahead Logging" and "Atomic Commit" pages): the log's new header is on disk before frames
that overwrite old ones, and the log before the pages a checkpoint copies.
Limits: a sector is written whole or not at all, and one that was synced is never harmed.
"""

import random
from dataclasses import dataclass
from pathlib import Path

SECTOR = 512
LOG_HEADER = 32
"""Bytes of the header of a write-ahead log (SQLite file format, 4.1)."""


@dataclass(frozen=True, slots=True)
class Image:
    """The bytes of the journal's file and of its log."""

    pages: bytes
    log: bytes

    @classmethod
    def of(cls, path: Path) -> "Image":
        """Read what is there."""
        log = path.with_name(f"{path.name}-wal")
        return cls(path.read_bytes(), log.read_bytes() if log.exists() else b"")

    def lay_out(self, path: Path) -> None:
        """Write a copy that was never open: without the index beside the log."""
        path.write_bytes(self.pages)
        path.with_name(f"{path.name}-wal").write_bytes(self.log)


def torn(before: Image, after: Image, dice: random.Random) -> Image:
    """Return one of the images that a cut between the two can leave."""
    if before.pages != after.pages:
        # The commit was synced; its checkpoint was under way.
        return Image(_mixed(before.pages, after.pages, dice), after.log)
    if before.log[:LOG_HEADER] == after.log[:LOG_HEADER]:
        return Image(after.pages, _mixed(before.log, after.log, dice))
    if dice.random() < 0.2:  # not even the header
        return before
    header = after.log[:LOG_HEADER]
    return Image(
        after.pages, header + _mixed(before.log[LOG_HEADER:], after.log[LOG_HEADER:], dice)
    )


def _mixed(before: bytes, after: bytes, dice: random.Random) -> bytes:
    if dice.random() < 0.5:
        first = next((at for at, (a, b) in enumerate(zip(before, after, strict=False)) if a != b),
                     min(len(before), len(after)))  # fmt: skip
        cut = dice.randint(first, len(after))
        return after[:cut] + before[cut:]
    kept = dice.random()
    whole = bytearray(before.ljust(len(after), b"\0"))
    for at in range(0, len(after), SECTOR):
        new = after[at : at + SECTOR]
        if whole[at : at + SECTOR] != new and dice.random() < kept:
            whole[at : at + SECTOR] = new
    return bytes(whole)
