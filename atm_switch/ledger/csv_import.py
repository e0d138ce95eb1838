"""Import of participants.csv and postings.csv, linking of cards.csv: all or nothing.

Plan: look at every file first; stage: read them, participants before postings in whatever
order they are named, into ``csv_staging.py``, where an import that is killed goes on; judge
and book: one transaction, in which every bad row is found and, unless there is one and no
rejects file, all good ones are booked.
A file whose content was imported before changes nothing (``csv_repeats.py``).  A posting of
another file that equals one booked before is a bad row, unless it is said to be another payment.
Limits: one import at a time.  Equal rows of one file are so many payments.
"""

import hashlib
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from atm_switch.domain.errors import Refused
from atm_switch.domain.instant import Zone
from atm_switch.ledger.booking import DevelopedTwice
from atm_switch.ledger.csv_booking import ImportBooking
from atm_switch.ledger.csv_import_lock import import_lock
from atm_switch.ledger.csv_meter import Meter, Progress
from atm_switch.ledger.csv_pieces import PIECE_BYTES, FileChanged, pieces_of
from atm_switch.ledger.csv_reading import Reader
from atm_switch.ledger.csv_rejects import BadRows, Rejects, rejects_paths
from atm_switch.ledger.csv_repeats import Wishes, look_at
from atm_switch.ledger.csv_rows import CsvSource, Kind, open_source
from atm_switch.ledger.csv_staging import Piece, Place, Staging
from atm_switch.ledger.csv_summary import ImportedFile, ImportSummary
from atm_switch.ledger.open_years import take_turn
from atm_switch.ledger.store import Store
from atm_switch.ledger.store_sqlite import interruptible
from atm_switch.security.vault import Vault

_FORMAT: Final = "2"
"""Of the staging; another one is begun anew."""

_ORDER: Final = (Kind.PARTICIPANTS, Kind.POSTINGS, Kind.CARDS)


def _nobody(_files: Sequence[ImportedFile]) -> None:
    """Hear and forget."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How to import.

    ``skip_bad`` is the file bad rows are set aside in (with several kinds of files, one
    beside it for each kind); without it a bad row stops all.  ``nonce`` gives so many
    random bytes.  ``piece_bytes`` are read and kept at a time.  ``witness`` hears what came of
    the files before it is durable: what it raises undoes the import.  ``verifies_pins``:
    whether this switch verifies PINs for any bank, so that a card without PVV is told of.
    ``relink``: whether cards that were unlinked are linked again.  ``again``: whether postings
    are booked that equal one booked before in KPJ, day, kind and amount.  ``once_more``: the
    newest import of the one file, whose very bytes are booked another time.
    """

    skip_bad: Path | None = None
    progress: Callable[[Progress], None] | None = None
    nonce: Callable[[int], bytes] = os.urandom
    piece_bytes: int = PIECE_BYTES
    witness: Callable[[Sequence[ImportedFile]], None] = _nobody
    verifies_pins: bool = True
    relink: bool = False
    again: bool = False
    once_more: int = 0


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
    skipped, ``Refused`` for whatever else stops it; nothing is changed then, and the same
    call goes on where this one stopped.
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


def was_booked(store: Store, files: Sequence[ImportedFile]) -> bool:
    """Tell whether an import that was interrupted had booked its files; wait where it just does.

    ``files`` as the witness heard them; ``store`` is another connection than the import's.
    Raises ``Refused``.
    """
    numbers = [file.import_id for file in files if file.import_id]
    with store.transaction():
        take_turn(store)
        return any(store.rows("SELECT 1 FROM imports WHERE id = ?", (one,)) for one in numbers)


def _run(
    store: Store,
    sources: Sequence[CsvSource],
    vault: Vault,
    at: datetime,
    options: ImportOptions,
) -> ImportSummary:
    if not sources:
        raise Refused("name at least one file to import")
    ordered = sorted(sources, key=lambda source: _ORDER.index(source.kind))
    kinds = [source.kind for source in ordered]
    rejects = Rejects(rejects_paths(options.skip_bad, kinds) if options.skip_bad else None)
    with import_lock(store):
        one = _Import(store, vault, at, options, rejects)
        return one.run(ordered)


@dataclass(slots=True)
class _Import:
    """One import under way, holding the lock."""

    store: Store
    vault: Vault
    at: datetime
    options: ImportOptions
    rejects: Rejects

    @property
    def today(self) -> date:
        """The day in Jakarta, by which the ledger goes."""
        return self.at.astimezone(Zone.WIB.tzinfo).date()

    def run(self, sources: Sequence[CsvSource]) -> ImportSummary:
        """Stage, judge and book; the staging stays where it is of use for the next try."""
        wishes = Wishes(self.options.relink, self.options.again, self.options.once_more)
        files = look_at(self.store, sources, wishes)
        staging = Staging(self.store, self._marker(sources, files))
        try:
            self.rejects.require_new_files(staging.own_rejects())
            summary = self._staged(staging, sources, files)
        except (BadRows, FileChanged):
            staging.drop()
            raise
        except BaseException:
            staging.leave()
            raise
        staging.drop()
        return summary

    def _staged(
        self, staging: Staging, sources: Sequence[CsvSource], files: list[ImportedFile]
    ) -> ImportSummary:
        meter = Meter(sum(source.size for source in sources), self.options.progress)
        for number, (source, file) in enumerate(zip(sources, files, strict=True), 1):
            if file.is_repeat:
                meter.count(0, source.size)
            else:
                file.rows = self._stage(staging, number, source, meter)
        staging.analyze()
        paths = [path.absolute() for path in (self.rejects.paths or {}).values()]
        if paths:
            staging.announce_rejects(paths)
        booking = ImportBooking(
            self.store, self.vault, self.at.astimezone(UTC), self.rejects,
            self.options.verifies_pins, self.options.relink,
            self.options.again or self.options.once_more > 0,
        )  # fmt: skip
        may_stand = False
        try:
            with interruptible(self.store), self.store.transaction():
                booking.run(sources, files, self.today, meter)
                self.rejects.close()
                self.options.witness(files)
                may_stand = True
        except DevelopedTwice:
            with self.store.transaction():  # which names the rows, and so raises
                replace(booking, is_careful=True).run(sources, files, self.today, meter)
            raise
        except BaseException as end:
            # Ctrl-C amid the commit, or a server that is gone, leaves open whether it is done; and
            # bad rows stand nowhere else.
            if not may_stand or not (isinstance(end, KeyboardInterrupt) or self.store.is_postgres):
                self.rejects.discard()
                with suppress(Refused):
                    staging.announce_rejects(())
            raise
        meter.passed()
        return ImportSummary(
            files=tuple(files),
            rejected=self.rejects.count,
            bad_rows=tuple(self.rejects.rows),
            rejects_files=self.rejects.written,
            warnings=tuple(booking.warnings),
            warning_count=booking.warning_count,
        )

    def _stage(self, staging: Staging, number: int, source: CsvSource, meter: Meter) -> int:
        place = staging.place(number)
        meter.resume(place.rows, place.read_to)
        if place.is_done:
            return place.rows
        reader = Reader(source, number, self.vault, self.today, self.options.nonce)
        for raw in pieces_of(source, place, self.options.piece_bytes):
            piece, rows = reader.read(raw)
            before, place = place, Place(raw.end, raw.prefix, raw.last, place.rows + rows)
            staging.add(number, source.kind, piece, place)
            meter.count(rows, place.read_to - before.read_to)
        staging.add(number, source.kind, Piece((), ()), place.done(source))
        meter.count(0, source.size - place.read_to)
        return place.rows

    def _marker(self, sources: Sequence[CsvSource], files: Sequence[ImportedFile]) -> str:
        """Return what tells this import's staging from any other's."""
        parts = [_FORMAT, *self.vault.card_key_ids]
        for source, file in zip(sources, files, strict=True):
            if not file.is_repeat:
                parts.append(f"{source.kind.value} {source.sha256.hex()}")
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()
