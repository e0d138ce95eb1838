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
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

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
from atm_switch.ledger.csv_tables import CardsTable, Change, ParticipantsTable, PostingsTable
from atm_switch.ledger.csv_values import BadCell, card_of, participant_of, posting_of
from atm_switch.ledger.store_sqlite import SqliteStore
from atm_switch.security.vault import Vault

WARNINGS_SHOWN: Final = 50
_ANY_REPEAT: Final = "SELECT 1 FROM imports WHERE kind = ? AND sha256 = ?"
_NEWEST_REPEAT: Final = (
    "SELECT 1 FROM imports WHERE kind = ?1 AND sha256 = ?2"
    " AND id = (SELECT max(id) FROM imports WHERE kind = ?1)"
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
    ledger: Path,
    paths: Sequence[Path],
    vault: Vault,
    at: datetime,
    options: ImportOptions = _PLAIN,
) -> ImportSummary:
    """Import participants and postings into the ledger file, made if it is missing.

    ``at`` is now, in UTC.  Raises ``BadRows`` with the bad rows unless they are to be
    skipped, ``Refused`` for whatever else stops it; nothing is changed then.
    """
    sources = [open_source(path) for path in paths]
    for source in sources:
        if source.kind is Kind.CARDS:
            raise Refused(f"{source.name} holds cards; link them with: atm-switch cards link")
    return _run(ledger, sources, vault, at, options)


def link_cards(
    ledger: Path, path: Path, vault: Vault, at: datetime, options: ImportOptions = _PLAIN
) -> ImportSummary:
    """Link the cards of a file; consent is recorded on the day of ``at`` in Jakarta.

    Raises as ``import_files`` does.
    """
    source = open_source(path)
    if source.kind is not Kind.CARDS:
        raise Refused(
            f"{source.name} holds {source.kind.value}; import them with: atm-switch ledger import"
        )
    return _run(ledger, [source], vault, at, options)


def _run(
    ledger: Path,
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
        with closing(SqliteStore(ledger)) as store, _transaction(store.connection):
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


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        _undo(connection)
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        if name == "SQLITE_BUSY":
            message = "another import is running; try again when it is done"
            raise Refused(message) from None
        raise Refused(f"the ledger cannot be written, nothing was imported: {name}") from None
    except BaseException:
        _undo(connection)
        raise


def _undo(connection: sqlite3.Connection) -> None:
    # a full disk has SQLite roll back by itself, and then there is nothing left to do
    with suppress(sqlite3.Error):
        connection.execute("ROLLBACK")


@dataclass(slots=True)
class _Import:
    """One import under way, within its transaction."""

    store: SqliteStore
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
    def connection(self) -> sqlite3.Connection:
        """The connection the import runs on."""
        return self.store.connection

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
        apply = self._applier(source, number)
        for row in rows_of(source, meter):
            file.rows += 1
            try:
                file.count(apply(_whole(row)))
            except BadCell as bad:
                self._reject(number, row.line, bad, row.cells)

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
        self.connection.executemany(
            "UPDATE imports SET rows = ? WHERE id = ?",
            [(file.rows - file.rejected, number) for number, file in self.files.items()],
        )

    def _applier(self, source: CsvSource, number: int) -> Callable[[CsvRow], Change]:
        today = self.today
        if source.kind is Kind.PARTICIPANTS:
            participants = ParticipantsTable(self.connection, self.vault, self.nonce)
            return lambda row: participants.apply(participant_of(row.cells, today))
        if source.kind is Kind.CARDS:
            cards = CardsTable(self.connection, self.vault, today)
            return lambda row: self._link(cards, source, row)
        if self._postings is None:
            self._postings = PostingsTable(self.store)
        postings = self._postings

        def stage(row: CsvRow) -> Change:
            postings.stage(posting_of(row.cells, today), number, row.line)
            return Change.ADDED

        return stage

    def _link(self, cards: CardsTable, source: CsvSource, row: CsvRow) -> Change:
        card = card_of(row.cells)
        change = cards.apply(card)
        place = f"{source.name} line {row.line} ({card.pan.masked})"
        if not card.pvv:
            self._warn(f"{place}: no PVV, so its PIN cannot be verified here; inquiries get 57")
        elif self.vault.pvk(card.pvki) is None:
            self._warn(f"{place}: there is no PIN verification key with index {card.pvki}")
        return change

    def _warn(self, text: str) -> None:
        self.warning_count += 1
        if len(self.warnings) < WARNINGS_SHOWN:
            self.warnings.append(text)

    def _reject(self, number: int, line: int, bad: BadCell, cells: Sequence[str]) -> None:
        self.files[number].rejected += 1
        self.rejects.add(self._sources[number], line, bad.column, bad.reason, cells)

    def _is_repeat(self, source: CsvSource) -> bool:
        found = self.connection.execute(
            _ANY_REPEAT if source.kind is Kind.POSTINGS else _NEWEST_REPEAT,
            (source.kind.value, source.sha256),
        )
        return found.fetchone() is not None

    def _begin(self, source: CsvSource) -> int:
        added = self.connection.execute(
            "INSERT INTO imports (kind, file_name, sha256, rows, imported_at)"
            " VALUES (?, ?, ?, 0, ?) RETURNING id",
            (source.kind.value, source.name, source.sha256, self.at.astimezone(UTC).isoformat()),
        ).fetchall()
        return int(added[0][0])


def _whole(row: CsvRow) -> CsvRow:
    """Return a row whose form is right.  Raises ``BadCell`` for any other."""
    if row.fault:
        raise BadCell(ROW, row.fault)
    return row
