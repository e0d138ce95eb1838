"""Import of participants.csv and postings.csv, linking of cards.csv: all or nothing.

Plan: look at every file first; then one transaction: participants before postings in
whatever order the files are named, all rows read even after a bad one so that all are
named, then commit or, with a bad row and no rejects file, roll back.
A file whose content was imported before changes nothing.  For participants and cards,
which can be set back, that holds for the newest of their imports only.
Limits: two different files with the same postings in them are booked twice, for the
columns have nothing that tells a posting from its copy.  One import at a time.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar

from atm_switch.domain.errors import Refused
from atm_switch.domain.instant import Zone
from atm_switch.ledger.csv_rejects import ROW, BadRows, Rejects, rejects_paths
from atm_switch.ledger.csv_rows import (
    CsvRow,
    CsvSource,
    Kind,
    Meter,
    Progress,
    open_source,
    rows_of,
)
from atm_switch.ledger.csv_summary import ImportedFile, ImportSummary
from atm_switch.ledger.csv_tables import (
    CardsTable,
    Outcome,
    ParticipantsTable,
    PostingsTable,
    StagedPosting,
)
from atm_switch.ledger.csv_values import BadCell, CardRow, card_of, participant_of, posting_of
from atm_switch.ledger.store import Store
from atm_switch.security.vault import Vault

T = TypeVar("T")

WARNINGS_SHOWN: Final = 50
ROWS_AT_ONCE: Final = 2_000
_ANY_REPEAT: Final = "SELECT 1 FROM imports WHERE kind = ? AND sha256 = ?"
_NEWEST_REPEAT: Final = (
    "SELECT 1 FROM imports WHERE kind = ? AND sha256 = ?"
    " AND id = (SELECT max(id) FROM imports WHERE kind = ?)"
)
_ORDER: Final = (Kind.PARTICIPANTS, Kind.POSTINGS, Kind.CARDS)


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How to import.

    ``skip_bad`` is the file bad rows are set aside in (with several kinds of files, one
    beside it for each kind); without it a bad row stops all.  ``nonce`` gives so many
    random bytes.
    """

    skip_bad: Path | None = None
    progress: Callable[[Progress], None] | None = None
    nonce: Callable[[int], bytes] = os.urandom


_PLAIN: Final = ImportOptions()


def import_files(
    store: Store,
    paths: Sequence[Path],
    vault: Vault,
    at: datetime,
    options: ImportOptions = _PLAIN,
) -> ImportSummary:
    """Import participants and postings into the ledger.

    ``at`` is now, in UTC.  Raises ``BadRows`` with the bad rows unless they are to be
    skipped, ``Refused`` for whatever else stops it; nothing is changed then.
    """
    sources = [open_source(path) for path in paths]
    for source in sources:
        if source.kind is Kind.CARDS:
            raise Refused(f"{source.name} holds cards; link them with: atm-switch cards link")
    return _run(store, sources, vault, at, options)


def link_cards(
    store: Store, path: Path, vault: Vault, at: datetime, options: ImportOptions = _PLAIN
) -> ImportSummary:
    """Link the cards of a file; consent is recorded on the day of ``at`` in Jakarta.

    Raises as ``import_files`` does.
    """
    source = open_source(path)
    if source.kind is not Kind.CARDS:
        raise Refused(
            f"{source.name} holds {source.kind.value}; import them with: atm-switch ledger import"
        )
    return _run(store, [source], vault, at, options)


def _run(
    store: Store,
    sources: Sequence[CsvSource],
    vault: Vault,
    at: datetime,
    options: ImportOptions,
) -> ImportSummary:
    if not sources:
        raise Refused("name at least one file to import")
    kinds = [source.kind for source in sources]
    rejects = Rejects(rejects_paths(options.skip_bad, kinds) if options.skip_bad else None)
    rejects.require_new_files()
    meter = Meter(sum(source.size for source in sources), options.progress)
    try:
        with store.transaction():
            run = _Import(store, vault, at, options.nonce, rejects)
            for kind in _ORDER:
                for source in sources:
                    if source.kind is kind:
                        run.take(source, meter)
            run.finish()
            rejects.close()
    except BaseException:
        rejects.discard()
        raise
    meter.tell()
    return ImportSummary(
        files=tuple(run.files.values()),
        rejected=rejects.count,
        bad_rows=tuple(rejects.rows),
        rejects_files=rejects.written,
        warnings=tuple(run.warnings),
        warning_count=run.warning_count,
    )


@dataclass(slots=True)
class _Import:
    """One import under way, within its transaction."""

    store: Store
    vault: Vault
    at: datetime
    nonce: Callable[[int], bytes]
    rejects: Rejects
    files: dict[int, ImportedFile] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    warning_count: int = 0
    _sources: dict[int, CsvSource] = field(default_factory=dict)
    _postings: PostingsTable | None = None

    @property
    def today(self) -> date:
        """The day in Jakarta, by which the ledger goes."""
        return self.at.astimezone(Zone.WIB.tzinfo).date()

    def take(self, source: CsvSource, meter: Meter) -> None:
        """Read one file into the tables, or pass over it as a repeat."""
        is_repeat = self._is_repeat(source)
        number = -len(self.files) - 1 if is_repeat else self._begin(source)
        file = ImportedFile(source.name, source.kind, is_repeat=is_repeat)
        self.files[number] = file
        self._sources[number] = source
        if is_repeat:
            meter.skip(source.size)
            return
        take = self._taker(source, number)
        rows = rows_of(source, meter)
        while chunk := list(islice(rows, ROWS_AT_ONCE)):
            file.rows += len(chunk)
            for row, outcome in zip(chunk, take(chunk), strict=True):
                if isinstance(outcome, BadCell):
                    self._reject(number, row.line, outcome, row.cells)
                else:
                    file.count(outcome)

    def finish(self) -> None:
        """Book what waits and close the record.  Raises ``BadRows``."""
        if self._postings is not None and (self.rejects.is_skipping or not self.rejects.count):
            for over in self._postings.overdrawings():
                self.files[over.import_id].added -= 1
                bad = BadCell("amount", "the account would fall below zero with this posting")
                self._reject(over.import_id, over.line, bad, over.cells)
        if self.rejects.count and not self.rejects.is_skipping:
            raise BadRows(self.rejects.rows, self.rejects.count)
        if self._postings is not None:
            self._postings.book()
        self.store.change_many(
            "UPDATE imports SET rows = ? WHERE id = ?",
            [(file.rows - file.rejected, number) for number, file in self.files.items()],
        )

    def _taker(self, source: CsvSource, number: int) -> Callable[[list[CsvRow]], list[Outcome]]:
        today = self.today
        if source.kind is Kind.PARTICIPANTS:
            participants = ParticipantsTable(self.store, self.vault, self.nonce)
            return lambda rows: _taken(
                rows, lambda row: participant_of(row.cells, today), participants.apply
            )
        if source.kind is Kind.CARDS:
            cards = CardsTable(self.store, self.vault, today)
            return lambda rows: self._linked(cards, source, rows)
        if self._postings is None:
            self._postings = PostingsTable(self.store)
        postings = self._postings
        return lambda rows: _taken(
            rows,
            lambda row: StagedPosting(posting_of(row.cells, today), number, row.line),
            postings.apply,
        )

    def _linked(self, cards: CardsTable, source: CsvSource, rows: list[CsvRow]) -> list[Outcome]:
        outcomes = _taken(rows, lambda row: card_of(row.cells), cards.apply)
        for row, outcome in zip(rows, outcomes, strict=True):
            if not isinstance(outcome, BadCell):
                self._look_at_pvv(source, row.line, card_of(row.cells))
        return outcomes

    def _look_at_pvv(self, source: CsvSource, line: int, card: CardRow) -> None:
        place = f"{source.name} line {line} ({card.pan.masked})"
        if not card.pvv:
            self._warn(f"{place}: no PVV, so its PIN cannot be verified here; inquiries get 57")
        elif self.vault.pvk(card.pvki) is None:
            self._warn(f"{place}: there is no PIN verification key with index {card.pvki}")

    def _warn(self, text: str) -> None:
        self.warning_count += 1
        if len(self.warnings) < WARNINGS_SHOWN:
            self.warnings.append(text)

    def _reject(self, number: int, line: int, bad: BadCell, cells: Sequence[str]) -> None:
        self.files[number].rejected += 1
        self.rejects.add(self._sources[number], line, bad.column, bad.reason, cells)

    def _is_repeat(self, source: CsvSource) -> bool:
        kind = source.kind.value
        if source.kind is Kind.POSTINGS:
            return bool(self.store.rows(_ANY_REPEAT, (kind, source.sha256)))
        return bool(self.store.rows(_NEWEST_REPEAT, (kind, source.sha256, kind)))

    def _begin(self, source: CsvSource) -> int:
        added = self.store.rows(
            "INSERT INTO imports (kind, file_name, sha256, rows, imported_at)"
            " VALUES (?, ?, ?, 0, ?) RETURNING id",
            (source.kind.value, source.name, source.sha256, self.at.astimezone(UTC).isoformat()),
        )
        return int(added[0][0])


def _taken(
    rows: Sequence[CsvRow],
    read: Callable[[CsvRow], T],
    apply: Callable[[Sequence[T]], list[Outcome]],
) -> list[Outcome]:
    """Read rows and apply those that can be read; an outcome for each row, in order."""
    typed: list[T] = []
    faults: list[BadCell | None] = []
    for row in rows:
        try:
            typed.append(read(_whole(row)))
        except BadCell as bad:
            faults.append(bad)
        else:
            faults.append(None)
    applied = iter(apply(typed))
    return [fault or next(applied) for fault in faults]


def _whole(row: CsvRow) -> CsvRow:
    """Return a row whose form is right.  Raises ``BadCell`` for any other."""
    if row.fault:
        raise BadCell(ROW, row.fault)
    return row
