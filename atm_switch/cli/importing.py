"""Import CSV files with a progress bar on a terminal, plain lines elsewhere, a summary."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from atm_switch.adapters.clock import utc_now
from atm_switch.adapters.process_hygiene import give_way
from atm_switch.card_key_change import require_card_key_read, require_same_card_key
from atm_switch.cli.import_pace import Pace
from atm_switch.domain.errors import Refused
from atm_switch.folder import DataFolder, open_to_write
from atm_switch.key_office import record_command
from atm_switch.ledger.csv_import import ImportOptions, import_files, link_cards, was_booked
from atm_switch.ledger.csv_meter import Progress
from atm_switch.ledger.csv_passes import Phase
from atm_switch.ledger.csv_rejects import rejects_paths
from atm_switch.ledger.csv_summary import ImportedFile, ImportSummary
from atm_switch.ledger.opening import open_store

if TYPE_CHECKING:
    from atm_switch.ledger.store import Store

Report = Callable[[Progress], None]

INTERRUPTED = 130

_TENTHS = 10
_SECONDS_IN_SILENCE = 2
_UNCHANGED = "interrupted, nothing was changed; the same command goes on where it stopped"
_BOOKED = "interrupted when everything was booked; nothing is left to be done:"
_UNKNOWN = (
    "interrupted while it was being booked; the same command, with another --skip-bad file if it"
    " had one, says whether it was: it goes on, or tells that the files were imported before"
)


def import_ledger_files(
    folder: Path, files: Sequence[Path], skip_bad: Path | None, *, again: bool, once_more: int
) -> None:
    """Import participants and postings and print what became of them.

    Raises ``Refused`` for what stops the import; nothing is changed then.
    """
    give_way()
    opened = open_to_write(folder)
    vault = opened.vault()
    witness = _Witness(opened, "ledger import")
    with _told_if_interrupted(witness, skip_bad), _progress() as report, _store(opened) as store:
        options = ImportOptions(skip_bad, report, witness=witness, again=again, once_more=once_more)
        summary = import_files(store, files, vault, utc_now(), options)
    _print_summary(summary)


def link_card_file(folder: Path, file: Path, skip_bad: Path | None, *, relink: bool) -> None:
    """Link the cards of a file and print what became of them.  Raises ``Refused``."""
    opened = open_to_write(folder)
    vault = opened.vault()
    require_card_key_read(opened, vault)
    verifies_pins = any(bank.pin == "issuer" for bank in opened.settings.acquirers)
    witness = _Witness(opened, "cards link", partial(require_same_card_key, opened, vault))
    with _told_if_interrupted(witness, skip_bad), _progress() as report, _store(opened) as store:
        options = ImportOptions(
            skip_bad, report, witness=witness, relink=relink, verifies_pins=verifies_pins
        )
        summary = link_cards(store, file, vault, utc_now(), options)
    _print_summary(summary)


def _store(folder: DataFolder) -> "closing[Store]":
    return closing(open_store(folder.settings.ledger.url, folder.ledger))


class _Witness:
    """Tells the audit before the import is durable, and so undoes it where that fails."""

    def __init__(
        self, folder: DataFolder, subject: str, check: Callable[[], None] = lambda: None
    ) -> None:
        self.folder = folder
        self._subject = subject
        self._check = check
        self.heard: Sequence[ImportedFile] = ()

    def __call__(self, files: Sequence[ImportedFile]) -> None:
        self._check()
        record_command(self.folder, self._subject, "; ".join(_outcome(file) for file in files))
        self.heard = files


@contextmanager
def _told_if_interrupted(witness: _Witness, skip_bad: Path | None) -> Iterator[None]:
    """Say at Ctrl-C what became of the import; the program ends with 130."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo(f"atm-switch: {_what_became(witness, skip_bad)}", err=True)
        click.get_current_context().exit(INTERRUPTED)


def _what_became(witness: _Witness, skip_bad: Path | None) -> str:
    if not witness.heard:
        return _UNCHANGED
    try:
        with _store(witness.folder) as store:
            if not was_booked(store, witness.heard):
                return _UNCHANGED
    except Refused:
        return _UNKNOWN
    kinds = [file.kind for file in witness.heard]
    paths = rejects_paths(skip_bad, kinds).values() if skip_bad else ()
    bad = [f"bad rows are in {path}" for path in paths if path.exists()]
    return "\n".join([_BOOKED, *map(_outcome, witness.heard), *bad])


@contextmanager
def _progress() -> Iterator[Report]:
    """Lend what shows the progress: a bar, or a line for every tenth of the way."""
    if not sys.stderr.isatty():
        yield _lines()
        return
    from atm_switch.cli.import_bar import import_bar

    with import_bar(_resumed) as show:
        yield show


def _lines() -> Report:
    told, resumed, phase, passes, pace = 0, 0, Phase.READING, 0, Pace(time.monotonic())

    def tell(at: Progress) -> None:
        nonlocal told, resumed, phase, passes, pace
        if at.resumed > resumed:
            resumed = at.resumed
            print(_resumed(at), file=sys.stderr, flush=True)
        if at.phase is not phase and at.rows:
            if phase is Phase.READING:
                pace = Pace(time.monotonic())
            phase = at.phase
            print(f"{phase.value} {at.rows:,} rows", file=sys.stderr, flush=True)
        if at.passes and at.rows:
            now = time.monotonic()
            pace.note(at.passes_done, at.passes, now)
            is_long = now - pace.began >= _SECONDS_IN_SILENCE
            if is_long and passes < at.passes_done < len(at.passes):
                print(_pass_line(at, pace, now), file=sys.stderr, flush=True)
            passes = at.passes_done
        tenth = _TENTHS * at.bytes_done // max(at.bytes_total, 1)
        if at.rows and told < tenth < _TENTHS:
            told = tenth
            print(f"{10 * tenth} %, {at.rows:,} rows", file=sys.stderr, flush=True)

    return tell


def _pass_line(at: Progress, pace: Pace, now: float) -> str:
    seconds, left = now - pace.began, pace.seconds_left(now)
    done = f"{at.phase.value}, {at.passes_done} of {len(at.passes)} passes done"
    told = f"{done}, {pace.rate():,.0f} rows/s, {seconds:.0f} s so far"
    return told if left is None else f"{told}, about {left:.0f} s left"


def _resumed(at: Progress) -> str:
    return f"going on where the last try stopped: {at.resumed:,} rows were read already"


def _print_summary(summary: ImportSummary) -> None:
    for warning in summary.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    if summary.warning_count > len(summary.warnings):
        print(f"... and {summary.warning_count - len(summary.warnings)} more", file=sys.stderr)
    for row in summary.bad_rows:
        print(f"set aside: {row}", file=sys.stderr)
    for file in summary.files:
        print(_outcome(file))
    if summary.rejected:
        places = ", ".join(str(path) for path in summary.rejects_files)
        print(f"{summary.rejected:,} bad row(s) written to {places}")


def _outcome(file: ImportedFile) -> str:
    if file.is_repeat:
        told = f"{file.name}: imported before, nothing changed"
        other = f"; if its rows are other payments, say --once-more {file.repeats}"
        return told + (other if file.repeats else "")
    counts = (
        (file.added, "added"),
        (file.updated, "updated"),
        (file.unchanged, "unchanged"),
        (file.rejected, "bad"),
    )
    told = ", ".join(f"{count:,} {word}" for count, word in counts if count)
    return f"{file.name}: {file.rows:,} row(s)" + (f": {told}" if told else "")
