"""``atm-switch journal``: look through the transactions; everything is masked there."""

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from atm_switch.cli import journal_keeping, options
from atm_switch.cli.options import data_folder, examples
from atm_switch.command_groups import Group, pause

if TYPE_CHECKING:
    from collections.abc import Iterable

    from atm_switch.adapters.journal_report import Reconciliation
    from atm_switch.adapters.journal_rows import JournalRow
    from atm_switch.adapters.postgres_reader import Told
    from atm_switch.folder import DataFolder

FOLLOW_SECONDS = 0.5
"""How often ``--follow`` looks for new rows."""

_HEADING = (
    "received (WIB)         seq  kind  acquirer terminal  stan    rrn           card"
    "                 DE39  outcome"
)


@click.group(
    cls=Group,
    epilog=examples(
        "atm-switch journal tail bank --follow",
        "atm-switch journal show bank 260123456789",
        "atm-switch journal verify bank",
        "atm-switch journal report bank --date 2026-01-31 --acquirer 009 --csv",
    ),
)
def journal() -> None:
    """Look through the transactions of a data folder.

    Kind A is a request as it came in, before its PIN was looked at; kind B is how it
    ended.  An A without a B is in doubt; the switch ends what an earlier run left so
    when it starts, with a B that says in_doubt.
    """


@journal.command(
    epilog=examples(
        "atm-switch journal tail bank            the last 20 rows",
        "atm-switch journal tail bank -n 100     the last 100",
        "atm-switch journal tail bank --follow   and whatever comes, until Ctrl-C",
    )
)
@data_folder
@click.option(
    "-n", "count", type=click.IntRange(0, 1_000_000), default=20, show_default=True,
    metavar="N", help="How many rows.",
)  # fmt: skip
@click.option("--follow", "-f", is_flag=True, help="Go on with new rows until Ctrl-C.")
def tail(folder: Path, count: int, follow: bool) -> None:  # noqa: FBT001 - click hands flags in so
    """Print the last rows, oldest first."""
    from atm_switch.adapters.journal_place import open_pages
    from atm_switch.folder import open_folder

    with open_pages(open_folder(folder).journal_place) as pages:
        rows, seen = pages.tail(count)
        print(_HEADING)
        _print_rows(rows)
        while follow:
            rows, seen = pages.follow(seen)
            _print_rows(rows)
            if not rows:
                pause(FOLLOW_SECONDS)


@journal.command(epilog=examples("atm-switch journal show bank 260123456789"))
@data_folder
@options.rrn
def show(folder: Path, rrn: str) -> None:
    """Print all there is on one retrieval reference number (DE37)."""
    from atm_switch.adapters.journal_place import open_pages
    from atm_switch.domain.errors import Refused
    from atm_switch.folder import open_folder

    with open_pages(open_folder(folder).journal_place) as pages:
        rows = pages.show(rrn)
    if not rows:
        raise Refused("the journal has no row with this RRN; see atm-switch journal tail DIR")
    for one in rows:
        node = {"node": one.node} if one.node else {}
        for name, value in {**node, **_details(one.row)}.items():
            print(f"{name:16} {value}")
        print()


@journal.command(epilog=examples("atm-switch journal verify bank && echo sound"))
@data_folder
def verify(folder: Path) -> None:
    """Check that no row was changed, added or taken out; exits 1 if any was."""
    from atm_switch.adapters.journal_place import open_pages
    from atm_switch.domain.errors import Refused
    from atm_switch.folder import open_folder

    opened = open_folder(folder)
    with open_pages(opened.journal_place) as pages:
        nodes = pages.verify(opened.vault())
    for node, found in nodes.items():
        by = f" of {node}" if node else ""
        for finding in found.findings:
            at = f" at row {finding.sequence}" if finding.sequence else ""
            print(f"{finding.fault.value}{at}{by}")
        if found.in_doubt:
            listed = ", ".join(str(one) for one in found.in_doubt)
            print(f"in doubt (received, no ending){by}: {listed}")
    count = sum(len(found.findings) for found in nodes.values())
    if count:
        raise Refused(f"the journal is not as it was written: {count} finding(s)")
    rows = sum(found.rows for found in nodes.values())
    doubts = sum(len(found.in_doubt) for found in nodes.values())
    print(f"the journal is sound: {rows} row(s), {doubts} in doubt")


@journal.command(
    epilog=examples(
        "atm-switch journal report bank --date 2026-01-31 --acquirer 009",
        "atm-switch journal report bank --date 2026-01-31 --acquirer 009 --csv > 009.csv",
        "atm-switch journal report bank --date 2026-01-31 --json     where there is one bank",
    )
)
@data_folder
@click.option(
    "--date", "day", type=click.DateTime(["%Y-%m-%d"]), required=True, metavar="YYYY-MM-DD",
    help="The business date (DE15).",
)  # fmt: skip
@click.option(
    "--acquirer", metavar="ID", help="The bank (DE32); where there is one bank, it.",
    callback=options.acquirer_id,
)  # fmt: skip
@click.option("--csv", "form", flag_value="csv", help="Print CSV with a heading.")
@click.option("--json", "form", flag_value="json", help="Print one line of JSON.")
def report(folder: Path, day: datetime, acquirer: str | None, form: str | None) -> None:
    """Count a bank's business date by outcome and DE39, to lay beside its own count.

    Answers that a terminal was not told are left out and have lines of their own: late, where
    the request had been given up (the bank has a 96, or nothing), and not sent, where the link
    was gone.  One that was told to a repeat counts as told.
    """
    from atm_switch.adapters.journal_place import open_pages
    from atm_switch.folder import open_folder

    opened = open_folder(folder)
    bank = acquirer or _only_bank(opened)
    with open_pages(opened.journal_place) as pages:
        counted = pages.reconcile(bank, day.date())
    _require_bank(opened, counted)
    if form == "csv":
        sys.stdout.write(counted.csv())
    elif form == "json":
        sys.stdout.write(counted.json())
    else:
        _print_report(counted)


def _require_bank(folder: "DataFolder", counted: "Reconciliation") -> None:
    """See that a count of nothing is of a bank there is: ``9`` is not 009.  Raises ``Refused``."""
    from atm_switch.domain.errors import Refused

    banks = [one.id for one in folder.settings.acquirers]
    is_empty = not (counted.counts or counted.untold or counted.in_doubt)
    if is_empty and counted.acquirer not in banks:
        raise Refused(
            f"no bank {counted.acquirer} is in the settings, nor in the journal that day; "
            f"there are {', '.join(banks)}"
        )


def _only_bank(folder: "DataFolder") -> str:
    banks = [one.id for one in folder.settings.acquirers]
    if len(banks) > 1:
        raise click.UsageError(f"name the bank with --acquirer: {', '.join(banks)}")
    return banks[0]


def _print_report(counted: "Reconciliation") -> None:
    print(f"acquirer {counted.acquirer}, business date {counted.business_date.isoformat()}")
    for one in counted.counts:
        print(f"  {one.response_code:4} {one.outcome:28} {one.count:>10}")
    print(f"  {'':4} {'answered':28} {counted.answered:>10}")
    for untold in counted.untold:
        why = untold.why.replace("_", " ")
        print(f"  {untold.response_code:4} {why:28} {untold.count:>10}")
    print(f"  {'':4} {'in doubt':28} {counted.in_doubt:>10}")


def _print_rows(rows: "Iterable[Told[JournalRow]]") -> None:
    for one in rows:
        row = one.row
        at = _local(row).strftime("%Y-%m-%d %H:%M:%S")
        ended = f"{row.response_code or '':4}  {row.outcome or ''}"
        print(
            f"{at} {row.seq:>7} {row.kind:^5}  {row.acquirer:8} {row.terminal:8}  {row.stan:6}"
            f"  {row.rrn:12}  {row.pan_masked:19}  {ended}  {one.node}".rstrip(),
            flush=True,
        )


def _details(row: "JournalRow") -> dict[str, str]:
    """List what a person may want to see of a row; hashes and sealed bytes are left out."""
    hidden = {"fingerprint", "card_key_id", "card_digest", "response", "chain"}
    from atm_switch.adapters.journal_rows import COLUMNS

    shown = {
        name: str(value)
        for name in COLUMNS
        if name not in hidden and (value := getattr(row, name)) not in (None, "")
    }
    shown["received_at"] = _local(row).isoformat(sep=" ", timespec="milliseconds")
    shown.pop("written_at", None)
    return shown


def _local(row: "JournalRow") -> datetime:
    from atm_switch.domain.instant import Zone

    return row.received.astimezone(Zone.WIB.tzinfo)


for _command in (journal_keeping.purge, journal_keeping.affected, journal_keeping.settle):
    journal.add_command(_command)
