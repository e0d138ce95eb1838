"""Rows that cannot be taken: named for people, and written to a file with ``--skip-bad``.

Plan: every bad row is counted, the first ``BAD_ROWS_SHOWN`` are kept to be named.  With a
rejects file each goes there too, in the form it came in plus a column ``reason``, so that
it can be put right and imported again.
Limits: a rejects file of cards shows PAN and PVV masked and so cannot be imported; one of
participants holds the NIK as it came, hence mode 0600.
Why masks fail closed: a row with its columns shifted may hold a PAN, a PVV or a name anywhere.
"""

import csv
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TextIO

from atm_switch.adapters.disk import sync
from atm_switch.domain.errors import Refused
from atm_switch.domain.mask import mask_kpj, mask_name, mask_nik, mask_pan
from atm_switch.domain.member import JAKON_WORDS, CardStatus, MemberStatus, Segment
from atm_switch.domain.posting import PostingKind
from atm_switch.ledger.csv_rows import COLUMNS, REASON, CsvSource, Kind

BAD_ROWS_SHOWN: Final = 50
ROW: Final = "row"
"""In place of a column: the row as a whole is wrong."""

_SHOWN_CHARACTERS_MAX: Final = 24
_DIGITS_OF_A_NUMBER: Final = 11
_MASKS: Final = {"pan": mask_pan, "nik": mask_nik, "kpj": mask_kpj, "name": mask_name}
_HIDDEN: Final = frozenset({"birth_date", "pvv", "pvki", ROW})
_OF_WORDS: Final = frozenset({"segment", "status", "kind"})
_WORDS: Final = frozenset(
    {one.upper() for one in JAKON_WORDS}
    | {one.value.upper() for of in (Segment, MemberStatus, CardStatus) for one in of}
    | {one.value.upper() for one in PostingKind}
)  # fmt: skip
"""What is nobody's name, in whichever column it stands."""
_WORD_SHOWN_MAX: Final = 2
"""The longest word of no vocabulary that is too short for a name."""
_LIKE_A_NAME: Final = re.compile(r"[^\W\d_]{3}")
_LIKE_A_PVV: Final = re.compile(r"[0-9]{4}")
_LONG_NUMBER: Final = re.compile(r"[0-9](?:[ -]?[0-9]){11,}")


@dataclass(frozen=True, slots=True)
class BadRow:
    """Where a row is wrong and why; ``shown`` is the cell as far as it may be shown."""

    file: str
    line: int
    column: str
    shown: str
    reason: str

    def __str__(self) -> str:
        """One line for a person."""
        cell = f" ({self.shown})" if self.shown else ""
        return f"{self.file} line {self.line}, column {self.column}{cell}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that cannot be taken: why, and its cells as they may be written down."""

    column: str
    reason: str
    shown: str
    cells: tuple[str, ...] = field(repr=False)


def reject_of(kind: Kind, column: str, reason: str, cells: tuple[str, ...]) -> Reject:
    """Return a reject of cells as they came; those of cards are masked here."""
    columns = COLUMNS[kind]
    value = cells[columns.index(column)] if column in columns else ""
    whole = [*cells, *[""] * (len(columns) - len(cells))]
    safe = _masked_cards(whole) if kind is Kind.CARDS else whole
    return Reject(column, reason, shown(column, value), tuple(safe))


class BadRows(Refused):
    """Nothing was imported, for these rows; the text names the first ones, a line each."""

    def __init__(self, rows: Sequence[BadRow], count: int) -> None:
        """Keep the rows that are named and the count of all."""
        super().__init__(count)
        self.rows = tuple(rows)
        self.count = count

    def __str__(self) -> str:
        """The sentence, then the rows."""
        what = "1 row is bad" if self.count == 1 else f"{self.count} rows are bad"
        lines = [f"{what}, nothing was imported:", *(f"  {row}" for row in self.rows)]
        if self.count > len(self.rows):
            lines.append(f"  ... and {self.count - len(self.rows)} more")
        return "\n".join(lines)


def shown(column: str, value: str) -> str:
    """Return ``value`` of a column as it may be shown; in doubt stars only."""
    if column in _HIDDEN or not value:
        return "*" * min(len(value), 4)
    cut = value[:_SHOWN_CHARACTERS_MAX]
    if column in _MASKS:
        return _MASKS[column](cut) if cut == value and cut.isprintable() else "*" * len(cut)
    if sum(character.isdigit() for character in value) >= _DIGITS_OF_A_NUMBER:
        return "*" * len(cut)
    if not (cut.isprintable() and cut.isascii()):
        return "*" * len(cut)
    return _shown_word(cut) if column in _OF_WORDS else _shown_figure(column, cut)


def _shown_word(cell: str) -> str:
    """Show a cell of a closed vocabulary where it is one of its words, or no name at all."""
    if cell.upper() in _WORDS or len(cell) <= _WORD_SHOWN_MAX:
        return cell
    return mask_name(cell) if cell.replace(" ", "").isalpha() else "*" * len(cell)


def _shown_figure(column: str, cell: str) -> str:
    """Show a day or an amount, but nothing with letters enough for a name."""
    if column == "expiry" and _LIKE_A_PVV.fullmatch(cell):
        return "*" * len(cell)
    return mask_name(cell) if _LIKE_A_NAME.search(cell) else cell


def rejects_paths(path: Path, kinds: Sequence[Kind]) -> dict[Kind, Path]:
    """Name the rejects file of each kind: ``path``, or one beside it for each of several.

    ``rejects.csv`` becomes ``rejects.participants.csv`` and ``rejects.postings.csv``.
    """
    distinct = sorted(set(kinds), key=lambda kind: kind.value)
    if len(distinct) == 1:
        return {distinct[0]: path}
    return {kind: path.with_name(f"{path.stem}.{kind.value}{path.suffix}") for kind in distinct}


@dataclass(slots=True)
class Rejects:
    """Counts bad rows; with ``paths`` it also writes them."""

    paths: dict[Kind, Path] | None
    count: int = 0
    rows: list[BadRow] = field(default_factory=list)
    _files: dict[Kind, TextIO] = field(default_factory=dict)

    @property
    def is_skipping(self) -> bool:
        """Whether bad rows are set aside, rather than stopping the import."""
        return self.paths is not None

    @property
    def written(self) -> tuple[Path, ...]:
        """The files made so far."""
        return tuple((self.paths or {})[kind] for kind in self._files)

    def require_new_files(self, own: frozenset[str] = frozenset()) -> None:
        """Raise ``Refused`` where a rejects file exists already.

        Those of ``own`` were begun by this import before it was killed: they are removed.
        """
        for path in (self.paths or {}).values():
            if str(path.absolute()) in own:
                path.unlink(missing_ok=True)
            if path.exists():
                raise Refused(f"{path} exists already; move it away or name another file")

    def add(self, source: CsvSource, line: int, reject: Reject) -> None:
        """Take a bad row.  Raises ``Refused`` where its file cannot be written."""
        self.count += 1
        if len(self.rows) < BAD_ROWS_SHOWN:
            self.rows.append(BadRow(source.name, line, reject.column, reject.shown, reject.reason))
        if self.paths is not None:
            self._write(source.kind, self.paths[source.kind], reject)

    def close(self) -> None:
        """Make what was written durable.  Raises ``Refused``."""
        for kind, file in self._files.items():
            try:
                file.flush()
                os.fsync(file.fileno())
                file.close()
                # the name too: its rows are nowhere else once the import commits
                sync((self.paths or {})[kind].parent)
            except OSError as error:
                raise _unwritable((self.paths or {})[kind], error) from None

    def discard(self) -> None:
        """Remove what was written: nothing was imported, so nothing was rejected."""
        for path, file in zip(self.written, self._files.values(), strict=True):
            path.unlink(missing_ok=True)
            file.close()

    def _write(self, kind: Kind, path: Path, reject: Reject) -> None:
        try:
            if kind not in self._files:
                self._files[kind] = _made(path)
                _put(self._files[kind], [*COLUMNS[kind], REASON])
            reason = f"column {reject.column}: {reject.reason}"
            _put(self._files[kind], [*reject.cells, reason])
        except OSError as error:
            raise _unwritable(path, error) from None


def _made(path: Path) -> TextIO:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    return os.fdopen(descriptor, "w", encoding="utf-8", newline="")


def _put(file: TextIO, cells: Sequence[str]) -> None:
    csv.writer(file, lineterminator="\n").writerow(cells)


def _masked_cards(cells: list[str]) -> list[str]:
    """Mask the PAN's and the PVV's column; elsewhere any long number and what may be a PVV."""
    columns = COLUMNS[Kind.CARDS]
    masked = [_LONG_NUMBER.sub(lambda found: mask_pan(found[0]), cell) for cell in cells]
    masked[0] = mask_pan(cells[0])
    expiry, pvv = columns.index("expiry"), columns.index("pvv")
    for at, cell in enumerate(cells):
        if at == pvv or (at != expiry and _LIKE_A_PVV.fullmatch(cell)):
            masked[at] = "*" * len(cell)
    return masked


def _unwritable(path: Path, error: OSError) -> Refused:
    return Refused(f"the rejects file {path} cannot be written: {error.strerror}")
