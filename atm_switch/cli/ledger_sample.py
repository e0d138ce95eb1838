"""``atm-switch ledger sample``: write the CSV files of an invented nation.

Limits: the command is hung into the group by ``cli/ledger.py``.
"""

import sys
import time
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from atm_switch.cli.options import examples

if TYPE_CHECKING:
    from collections.abc import Iterator

    from atm_switch.ledger.nation_files import NationWishes, Report

INTERRUPTED = 130
MEMBERS_MAX = 40_000_000
"""As in ``nation_people.py``, which the help need not import."""
_YEARS_MAX = 60


class Wanted(TypedDict):
    """The options of the command."""

    members: int
    years: int
    seed: int
    until: datetime | None
    cards: bool
    monthly_years: int | None


@click.command(
    epilog=examples(
        "atm-switch ledger sample nation --members 1000 --years 20",
        "atm-switch ledger sample nation --members 1000000 --years 20 --monthly-years 2 --cards",
        "atm-switch ledger import bank nation/participants.csv nation/postings.csv",
    )
)
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@click.option(
    "--members", type=click.IntRange(1, MEMBERS_MAX), required=True, metavar="N",
    help="How many KPJ; some people have several.",
)  # fmt: skip
@click.option(
    "--years", type=click.IntRange(1, _YEARS_MAX), default=20, show_default=True, metavar="Y",
    help="How many calendar years, the last being that of --until.",
)  # fmt: skip
@click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), default=1, show_default=True, metavar="S",
    help="Another seed, other people.",
)  # fmt: skip
@click.option(
    "--until", type=click.DateTime(["%Y-%m-%d"]), metavar="YYYY-MM-DD",
    help="The last day that is booked, at most a year ahead; today (WIB) if left out.",
)  # fmt: skip
@click.option("--cards", is_flag=True, help="Write cards.csv too: lab BIN 999009, without PVV.")
@click.option(
    "--monthly-years", type=click.IntRange(1, _YEARS_MAX), metavar="M",
    help="Only the newest M years month by month, one contribution for each earlier one.",
)  # fmt: skip
def sample(out: Path, **wanted: Unpack[Wanted]) -> None:
    """Write participants.csv and postings.csv of invented members into OUT.

    The same arguments write the same bytes.  Past years' development is booked by the
    shipped rates, month by month; files that are there already are left alone.
    """
    from atm_switch.ledger.nation_files import write_nation
    from atm_switch.ledger.rates_file import read_rates

    wishes = _wishes(wanted)
    try:
        with _progress(wishes.members) as report:
            rows = write_nation(out, wishes, read_rates(), report)
    except KeyboardInterrupt:
        click.echo("interrupted; no file was written", err=True)
        click.get_current_context().exit(INTERRUPTED)
    last = wishes.span.until.isoformat()
    print(f"{wishes.members:,} members, {rows:,} rows up to {last} in {out}")


def _wishes(wanted: Wanted) -> "NationWishes":
    from atm_switch.adapters.clock import read_clock
    from atm_switch.domain.posting import DAYS_AHEAD_MAX
    from atm_switch.ledger.nation_files import NationWishes
    from atm_switch.ledger.nation_people import Span

    today = read_clock().jakarta_date()
    until = wanted["until"].date() if wanted["until"] else today
    if (until - today).days > DAYS_AHEAD_MAX:
        last = today + timedelta(DAYS_AHEAD_MAX)
        raise click.BadParameter(f"no import takes days after {last}", param_hint="--until")
    if until.year - wanted["years"] < 1900:
        raise click.BadParameter("the first year is before 1901", param_hint="--until")
    monthly = min(wanted["monthly_years"] or wanted["years"], wanted["years"])
    span = Span(wanted["years"], until, monthly)
    return NationWishes(wanted["members"], span, wanted["seed"], wanted["cards"])


@contextmanager
def _progress(members: int) -> "Iterator[Report]":
    """Lend what shows the progress: a bar, or a line for every tenth of the way."""
    if not sys.stderr.isatty():
        yield _lines(members)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
    from rich.progress import TimeRemainingColumn as Left

    rate = TextColumn("{task.fields[rows]:,} rows, {task.fields[rate]:,.0f} rows/s, left:")
    columns = (BarColumn(), TaskProgressColumn(), rate, Left())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task, began = bar.add_task("", total=members, rows=0, rate=0), time.monotonic()

        def show(done: int, rows: int) -> None:
            pace = rows / max(time.monotonic() - began, 1e-3)
            bar.update(task, completed=done, rows=rows, rate=pace)

        yield show


def _lines(members: int) -> "Report":
    told = 0

    def tell(done: int, rows: int) -> None:
        nonlocal told
        tenth = 10 * done // members
        if told < tenth < 10:
            told = tenth
            print(f"{10 * tenth} %, {rows:,} rows", file=sys.stderr, flush=True)

    return tell
