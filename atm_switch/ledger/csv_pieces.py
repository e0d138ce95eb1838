"""A CSV file in pieces of whole lines, from its beginning or from where it was left.

Plan: a piece comes with the place it ends at: bytes, their SHA-256, the last line's number.
Going on, the bytes before the place are hashed again and must be what they were.
Limits: the file must stay as ``open_source`` saw it; what changed meanwhile is refused at
the end, and the caller throws away what it made of it.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from atm_switch.domain.errors import Refused
from atm_switch.ledger.csv_rows import LINE_BYTES_MAX, CsvSource
from atm_switch.ledger.csv_staging import Place

PIECE_BYTES: Final = 1 << 20


class FileChanged(Refused):
    """A file is not what it was when the import began."""

    def __init__(self, source: CsvSource) -> None:
        """Name the file."""
        super().__init__(f"{source.path} changed while it was read; import it again")


@dataclass(frozen=True, slots=True)
class RawPiece:
    """Whole lines, numbered ``first`` to ``last``; ``end`` is after the last byte."""

    first: int
    last: int
    raw: bytes = field(repr=False)
    end: int
    prefix: bytes

    def lines(self) -> list[bytes]:
        """Cut into lines, each without its line feed."""
        lines = self.raw.split(b"\n")
        if not lines[-1]:
            lines.pop()
        return lines


def pieces_of(source: CsvSource, place: Place, size: int = PIECE_BYTES) -> Iterator[RawPiece]:
    """Stream the lines under the header that come after ``place``.

    Raises ``FileChanged``, and ``Refused`` where the file cannot be read.
    """
    try:
        with source.path.open("rb") as file:
            yield from _pieces(source, file, place, size)
    except OSError as error:
        raise Refused(f"{source.path} cannot be read: {error.strerror}") from None


def _pieces(source: CsvSource, file: BinaryIO, place: Place, size: int) -> Iterator[RawPiece]:
    digest = hashlib.sha256()
    if place.line:
        _skip(source, file, place, digest)
        line, end = place.line, place.read_to
    else:
        header = file.readline(LINE_BYTES_MAX)
        digest.update(header)
        line, end = 1, len(header)
    while raw := file.read(size):
        if not raw.endswith(b"\n"):
            raw += file.readline(LINE_BYTES_MAX + 1)
        digest.update(raw)
        end += len(raw)
        first = line + 1
        line += raw.count(b"\n") + (not raw.endswith(b"\n"))
        yield RawPiece(first, line, raw, end, digest.copy().digest())
    if digest.digest() != source.sha256:
        raise FileChanged(source)


def _skip(source: CsvSource, file: BinaryIO, place: Place, digest: "hashlib._Hash") -> None:
    left = place.read_to
    while left and (raw := file.read(min(left, PIECE_BYTES))):
        digest.update(raw)
        left -= len(raw)
    if digest.digest() != place.prefix:
        raise FileChanged(source)
