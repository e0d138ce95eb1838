"""The years of ``atm-switch ledger``: close one, and prove the books of all.

Plan: closing goes chunk by chunk, so that inquiries and other postings go on meanwhile;
its beginning and its end are told to the audit.
Limits: the commands are hung into the group by ``cli/ledger.py``.
"""

import json
import sys
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from atm_switch.cli.ledger_books import books
from atm_switch.cli.options import data_folder, examples

if TYPE_CHECKING:
    from collections.abc import Iterator

    from atm_switch.folder import DataFolder
    from atm_switch.ledger.closing import ClosingTerms, Progress
    from atm_switch.ledger.closing_order import Forgotten
    from atm_switch.ledger.reconcile import Progress as Proofs
    from atm_switch.ledger.reconcile import Reconciliation

INTERRUPTED = 130
_SECONDS_IN_SILENCE = 2


@click.command(
    "close-year",
    epilog=examples(
        "atm-switch ledger close-year bank 2025",
        "atm-switch ledger close-year bank 2025 --assumed",
        "interrupted, the same command goes on where it stopped; twice is once",
    ),
)
@data_folder
@click.argument("year", metavar="YEAR", type=click.IntRange(1900, 2999))
@click.option("--assumed", is_flag=True, help="Go on although the year's rate is only assumed.")
def close_year(folder: Path, year: int, assumed: bool) -> None:  # noqa: FBT001 - click hands flags in so
    """Book the development of YEAR on 31 December for every account that has none.

    Inquiries and postings of other years go on meanwhile.
    """
    from atm_switch.adapters.process_hygiene import give_way
    from atm_switch.key_office import record_command
    from atm_switch.ledger.closing import close_year as close
    from atm_switch.ledger.closing import closed_before
    from atm_switch.ledger.closing_order import forgotten_before

    give_way()
    with books(folder) as (opened, store):
        terms = _terms(opened, year, is_assumed_enough=assumed)
        for one in forgotten_before(store, year):
            print(f"warning: {_told(one)}", file=sys.stderr)
        if (ended := closed_before(store, year)) is None:
            how = f"{terms.accrual.value} at {_percent(terms.rate.millipercent)} %"
            begun = partial(record_command, opened, "ledger close-year", f"begun: {year} {how}")
            try:
                with _progress() as report:
                    ended = close(store, terms, report, begun)
            except KeyboardInterrupt:
                click.echo("interrupted; the same command goes on where it stopped", err=True)
                click.get_current_context().exit(INTERRUPTED)
        how = f"{ended.accrual} at {_percent(ended.rate_millipercent)} %"  # which may be others
        told = f"{_counted(ended.accounts, 'account')}, Rp {ended.development.indonesian()}"
        done = "was closed before" if ended.was_done else "closed"
        record_command(opened, "ledger close-year", f"{done}: {year} {how}: {told}")
    before = f"was closed before, {how}" if ended.was_done else "is closed"
    print(f"{year} {before}: development of {told}")


@click.command(
    epilog=examples(
        "atm-switch ledger reconcile bank",
        "atm-switch ledger reconcile bank --recompute",
        "atm-switch ledger reconcile bank --json",
    )
)
@data_folder
@click.option(
    "--recompute", is_flag=True, help="Compute what closings booked anew; long as they took."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def reconcile(folder: Path, recompute: bool, as_json: bool) -> None:  # noqa: FBT001 - click hands flags in so
    """Prove that every total of an account is the sum of its postings; exit 1 if one is not.

    Reads everything in one snapshot and repairs nothing. What a closing came to over all accounts
    is the sum of what it booked, too. With --recompute, each development it booked is what its rate
    and accrual give for the account's postings.
    """
    from atm_switch.adapters.process_hygiene import give_way
    from atm_switch.ledger.reconcile import reconcile as compare

    give_way()
    try:
        with books(folder) as (_, store):
            found = compare(store, _proofs(), recomputes=recompute)
    except KeyboardInterrupt:
        click.echo("interrupted; nothing was proved, and nothing changed", err=True)
        click.get_current_context().exit(INTERRUPTED)
    if as_json:
        print(json.dumps(_document(found)))
    else:
        _print_found(found)
    if found.count:
        click.get_current_context().exit(1)


COMMANDS = (close_year, reconcile)


def _terms(opened: "DataFolder", year: int, *, is_assumed_enough: bool) -> "ClosingTerms":
    from atm_switch.adapters.clock import read_clock
    from atm_switch.domain.accrual import Accrual
    from atm_switch.domain.errors import Refused
    from atm_switch.ledger.closing import ClosingTerms
    from atm_switch.ledger.rates_file import read_rates

    now, rate = read_clock(), read_rates(opened.rates).of(year)
    if not rate.is_published:
        percent = _percent(rate.millipercent)
        if not is_assumed_enough:
            raise Refused(
                f"the rate of {year}, {percent} %, is assumed: put the published one into a table"
                " of your own ([ledger] rates), or go on with --assumed"
            )
        print(f"warning: the rate of {year}, {percent} %, is assumed", file=sys.stderr)
    accrual = Accrual(opened.settings.ledger.accrual)
    return ClosingTerms(rate, accrual, now.jakarta_date(), now.utc)


def _told(forgotten: "Forgotten") -> str:
    others = forgotten.accounts - 1
    who = f"KPJ {forgotten.first.masked}" + (f" and {others:,} more" if others else "")
    return (
        f"{who} held money in {forgotten.year}, when others were given development, and got none;"
        f" import it dated {forgotten.year}-12-31, or 0.00 where nothing was earned"
    )


@contextmanager
def _progress() -> "Iterator[Progress]":
    """Lend what shows the progress: a bar, or a line for every tenth of the way."""
    if not sys.stderr.isatty():
        yield _lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
    from rich.progress import TimeRemainingColumn as Left

    rate = TextColumn("{task.completed:,} accounts, {task.fields[rate]:,.0f}/s, left:")
    console = Console(stderr=True)
    with Progress(BarColumn(), TaskProgressColumn(), rate, Left(), console=console) as bar:
        task, began, first = bar.add_task("", total=None, rate=0), time.monotonic(), -1

        def show(done: int, total: int) -> None:
            nonlocal first
            first = done if first < 0 else first
            pace = (done - first) / max(time.monotonic() - began, 1e-3)
            bar.update(task, completed=done, total=total, rate=pace)

        yield show


def _lines() -> "Progress":
    told = -1

    def tell(done: int, total: int) -> None:
        nonlocal told
        tenth = 10 * done // max(total, 1)
        if tenth > told:
            told = tenth
            print(f"{10 * tenth} %, {done:,} accounts", file=sys.stderr, flush=True)

    return tell


def _proofs() -> "Proofs":
    """Say which proof is at work, once it takes longer than a person waits gladly."""
    began = time.monotonic()

    def tell(number: int, count: int, name: str) -> None:
        seconds = time.monotonic() - began
        if seconds >= _SECONDS_IN_SILENCE or (number == 1 and sys.stderr.isatty()):
            took = f", {seconds:.0f} s so far" if number > 1 else ""
            print(f"proof {number} of {count}: {name}{took}", file=sys.stderr, flush=True)

    return tell


def _percent(millipercent: int) -> str:
    whole, decimals = divmod(millipercent, 1000)
    return f"{whole}.{decimals:03d}".removesuffix("0")


def _document(found: "Reconciliation") -> dict[str, object]:
    from dataclasses import asdict

    return {
        "accounts": found.accounts,
        "postings": found.postings,
        "difference_count": found.count,
        "differences": [asdict(one) for one in found.differences],
    }


def _print_found(found: "Reconciliation") -> None:
    for one in found.differences:
        print(f"{one.kind}, {one.kpj or 'ledger'}: expected {one.expected}, got {one.got}")
    hidden = found.count - len(found.differences)
    if hidden:
        print(f"... and {hidden:,} more")
    word = f"{found.count:,} difference(s)" if found.count else "no difference"
    looked_at = (_counted(found.accounts, "account"), _counted(found.postings, "posting"))
    print(f"{', '.join(looked_at)}: {word}")


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
