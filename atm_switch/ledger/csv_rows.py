"""A CSV file's lines as rows with numbers; what kind it is, says its header.

Plan: ``open_source`` looks at a file once: is it there, what is its header, what is its
SHA-256.  ``rows_in`` reads lines with care; a line is a row, so that a quote never closed
spoils its own line and not the rest of the file.
Limits: UTF-8 (a byte order mark and CRLF are tolerated), commas, ``LINE_BYTES_MAX`` a line,
no line breaks within quotes.  What makes the file as a whole doubtful is ``Refused``; what
spoils one row is that row's ``fault``.
"""

import csv
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum, unique
from pathlib import Path
from typing import BinaryIO, Final

from atm_switch.domain.errors import Refused

LINE_BYTES_MAX: Final = 65_536
_CHUNK_BYTES: Final = 1 << 20
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
REASON: Final = "reason"
"""The last column of a rejects file; ignored where such a file is imported again."""


@unique
class Kind(Enum):
    """What a file holds; the value is the word of the ``imports`` table."""

    PARTICIPANTS = "participants"
    POSTINGS = "postings"
    CARDS = "cards"


COLUMNS: Final = {
    Kind.PARTICIPANTS: ("kpj", "nik", "name", "birth_date", "segment", "status"),
    Kind.POSTINGS: ("kpj", "posted_on", "kind", "amount"),
    Kind.CARDS: ("pan", "expiry", "kpj", "pvv", "pvki", "status"),
}


@dataclass(frozen=True, slots=True)
class CsvSource:
    """A file worth reading: its kind, content hash and size in bytes."""

    path: Path
    kind: Kind
    sha256: bytes
    size: int
    has_reason: bool

    @property
    def name(self) -> str:
        """The file's own name, without folders."""
        return self.path.name


@dataclass(frozen=True, slots=True)
class CsvRow:
    """One line: its cells without outer spaces, and what is wrong with its form, if anything."""

    line: int
    cells: tuple[str, ...] = field(repr=False)
    fault: str = ""


def open_source(path: Path) -> CsvSource:
    """Look at a file.

    Raises ``Refused`` for a file missing, unreadable, empty, no regular file, or with a
    header that is none of the three.
    """
    try:
        if not path.exists():
            raise Refused(f"{path} does not exist")
        if not path.is_file():
            what = "a folder" if path.is_dir() else "no regular file"
            raise Refused(f"{path} is {what}; name a CSV file")
        with path.open("rb") as file:
            header = _text(_line(file, path, 1), path, 1)
            kind, has_reason = _kind(header, path)
            digest, size = _digest(file)
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}") from None
    return CsvSource(path, kind, digest, size, has_reason)


def rows_in(source: CsvSource, lines: Iterable[bytes], first: int) -> Iterator[CsvRow]:
    """Read lines, the first of which has the number ``first``; blank ones are passed over.

    Raises ``Refused`` for bytes that are no text.
    """
    width = len(COLUMNS[source.kind])
    for number, raw in enumerate(lines, first):
        if len(raw) > LINE_BYTES_MAX:
            raise _too_long(source.path, number)
        text = _text(raw, source.path, number)
        if text.strip():
            yield _row(number, text, width, has_reason=source.has_reason)


def _row(number: int, text: str, width: int, *, has_reason: bool) -> CsvRow:
    try:
        cells = tuple(cell.strip() for cell in _cut(text))
    except csv.Error:
        return CsvRow(number, (text,), "the quotes do not match")
    if has_reason and len(cells) == width + 1:
        cells = cells[:width]
    if len(cells) != width:
        many = "too many" if len(cells) > width else "too few"
        return CsvRow(number, cells, f"{many} columns: {len(cells)}, where {width} are needed")
    return CsvRow(number, cells)


def _cut(text: str) -> list[str]:
    if '"' not in text:
        return text.split(",")
    return next(csv.reader([text], strict=True))


def _line(file: BinaryIO, path: Path, number: int) -> bytes:
    raw = file.readline(LINE_BYTES_MAX + 1)
    if len(raw) > LINE_BYTES_MAX:
        raise _too_long(path, number)
    return raw


def _too_long(path: Path, number: int) -> Refused:
    return Refused(f"{path.name} line {number} is longer than {LINE_BYTES_MAX} bytes: no CSV")


def _text(raw: bytes, path: Path, number: int) -> str:
    if b"\0" in raw:
        raise Refused(f"{path.name} line {number} holds NUL bytes; save the file as CSV in UTF-8")
    if number == 1:
        raw = raw.removeprefix(_BYTE_ORDER_MARK)
    try:
        return raw.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise Refused(
            f"{path.name} line {number} is not UTF-8 text; save the file as CSV in UTF-8"
        ) from None


def _digest(file: BinaryIO) -> tuple[bytes, int]:
    digest, size = hashlib.sha256(), 0
    file.seek(0)
    while chunk := file.read(_CHUNK_BYTES):
        digest.update(chunk)
        size += len(chunk)
    return digest.digest(), size


def _kind(header: str, path: Path) -> tuple[Kind, bool]:
    """Tell the kind by the header, and whether a column ``reason`` follows."""
    if not header.strip():
        raise Refused(f"{path.name} is empty or begins with an empty line; {_expected()}")
    try:
        columns = tuple(cell.strip().lower() for cell in _cut(header))
    except csv.Error:
        columns = ()
    has_reason = columns[-1:] == (REASON,)
    named = columns[:-1] if has_reason else columns
    for kind, wanted in COLUMNS.items():
        if named == wanted:
            return kind, has_reason
    raise Refused(f"{path.name} line 1: {_header_fault(header, named)}; {_expected()}")


def _header_fault(header: str, columns: tuple[str, ...]) -> str:
    if ";" in header and "," not in header:
        return "the columns are separated by semicolons, not commas"
    nearest = max(COLUMNS, key=lambda kind: len(set(COLUMNS[kind]) & set(columns)))
    wanted = COLUMNS[nearest]
    missing = [column for column in wanted if column not in columns]
    if len(missing) == len(wanted):
        return "this is no header of ours"
    if missing:
        return f"the column {missing[0]} of {nearest.value}.csv is missing"
    if len(columns) > len(wanted):
        return f"{nearest.value}.csv has {len(wanted)} columns, here are {len(columns)}"
    return f"the columns of {nearest.value}.csv are in another order"


def _expected() -> str:
    known = " or ".join(",".join(columns) for columns in COLUMNS.values())
    return f"the first line must be {known}"
