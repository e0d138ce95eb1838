"""``atm-switch journal purge|affected|settle``: what is kept, who was shown, what is in doubt."""

import os
import sys
from datetime import UTC, datetime, time
from pathlib import Path

import click

from atm_switch.cli.options import acquirer_id, data_folder, examples, terminal_id

_MOMENT = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"])
_KEEP_DAYS_MIN = 2
"""As ``retention`` has it, which a command's help does not load."""


@click.command(
    short_help="Take out rows that are old enough.",
    epilog=examples(
        "atm-switch journal purge bank --keep-days 400",
        "atm-switch journal purge bank --yes          as [journal] keep_days says; for a timer",
        "",
        "Make a backup first, if what goes may be asked for: atm-switch backup bank FILE.",
        "The switch may run meanwhile. What is left still proves itself (journal verify); the",
        "audit is never purged.",
    ),
)
@data_folder
@click.option(
    "--keep-days", type=click.IntRange(_KEEP_DAYS_MIN, 36_500), metavar="N",
    help="Days that stay, for repeats are answered from them; left out: what the settings say.",
)  # fmt: skip
@click.option("--yes", is_flag=True, help="Do not ask.")
def purge(folder: Path, keep_days: int | None, yes: bool) -> None:  # noqa: FBT001 - click hands flags in so
    """Take the rows that are older than some days out of the journal, for good."""
    from atm_switch import retention
    from atm_switch.adapters.clock import read_clock
    from atm_switch.domain.errors import Refused
    from atm_switch.domain.instant import Zone
    from atm_switch.folder import open_to_write
    from atm_switch.key_office import record_command

    opened = open_to_write(folder)
    days = opened.settings.journal.keep_days if keep_days is None else keep_days
    first = retention.first_day_kept(read_clock().jakarta_date(), days)
    before = datetime.combine(first, time(), Zone.WIB.tzinfo)
    vault = opened.vault()
    count = retention.count_old(opened, vault, before)
    if not count:
        print(f"nothing to purge: no row that may go is from before {first}")
        return
    if not yes and not sys.stdin.isatty():
        raise Refused(f"{count} row(s) from before {first} would go: say --yes")
    if not yes:
        click.confirm(f"take out {count} row(s) from before {first}, for good?", abort=True)
    gone = retention.purge(opened, vault, before, _told)
    record_command(opened, "journal purge", f"{gone} rows from before {first}")
    print(f"took out {gone} row(s) from before {first}")


@click.command(
    short_help="End what machines that are gone left in doubt.",
    epilog=examples(
        "atm-switch journal settle bank                     of a journal on PostgreSQL",
        "atm-switch journal settle bank --older-than 0      all of it, at once",
        "",
        "A switch ends its own at its next start; after an hour any other machine ends those of",
        "one that is gone. Where a node is connected to the database nothing of it is touched.",
    ),
)
@data_folder
@click.option(
    "--older-than", "minutes", type=click.IntRange(0, 525_600), default=10, show_default=True,
    metavar="MINUTES", help="What is younger stays.",
)  # fmt: skip
def settle(folder: Path, minutes: int) -> None:
    """End the requests in doubt of nodes on PostgreSQL that nobody writes as any more."""
    from datetime import timedelta

    from atm_switch.adapters.clock import utc_now
    from atm_switch.adapters.postgres_dead_nodes import settle_dead_nodes
    from atm_switch.domain.errors import Refused
    from atm_switch.folder import open_to_write
    from atm_switch.key_office import record_command

    opened = open_to_write(folder)
    url = opened.settings.journal.url
    if not url:
        raise Refused("the journal is a file: the next start of its switch ends what is in doubt")
    before = utc_now() - timedelta(minutes=minutes)
    found = settle_dead_nodes(url, opened.vault(), utc_now, os.urandom, before)
    for one in found:
        ended = sum(one.ended.values())
        if ended:
            record_command(opened, f"node {one.node}", f"{ended} requests ended in doubt")
        print(f"{one.node}: {_outcome(one.lives, ended)}")
    if not found:
        print("no node has left requests in doubt")


@click.command(
    short_help="List whose balances were shown.",
    epilog=examples(
        "atm-switch journal affected bank --from 2026-01-30 --until 2026-02-02 --out list.csv",
        "atm-switch journal affected bank --from 2026-01-30T08:00 --until 2026-01-30T17:30 \\",
        "    --terminal S1ABC123 --out list.csv",
        "",
        "For the notice that the law asks for within 3 x 24 hours (UU 27/2022 art. 46). The file",
        "names persons: it is made for its owner only, and the audit notes that it was made.",
    ),
)
@data_folder
@click.option("--from", "since", type=_MOMENT, required=True, metavar="WHEN", help="WIB.")
@click.option("--until", type=_MOMENT, required=True, metavar="WHEN", help="WIB, not included.")
@click.option(
    "--acquirer", default="", metavar="ID", callback=acquirer_id, help="Of this bank only."
)
@click.option(
    "--terminal", default="", metavar="ID", callback=terminal_id, help="At this terminal only."
)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, metavar="FILE",
    help="The new CSV file.",
)  # fmt: skip
def affected(
    folder: Path, since: datetime, until: datetime, acquirer: str, terminal: str, out: Path
) -> None:
    """List the members whose balance was shown in a span of time: KPJ, name, when, where."""
    from atm_switch import retention
    from atm_switch.adapters.journal_answers import Span
    from atm_switch.domain.errors import Refused
    from atm_switch.domain.instant import Zone
    from atm_switch.folder import open_to_write
    from atm_switch.key_office import record_command

    if until <= since:
        raise click.UsageError("--until is after --from")
    begin, end = (one.replace(tzinfo=Zone.WIB.tzinfo).astimezone(UTC) for one in (since, until))
    opened = open_to_write(folder)
    if out.exists():
        raise Refused(f"{out} is there already: name a new file")
    those = retention.affected(opened, opened.vault(), Span(begin, end, acquirer, terminal))
    told = retention.in_words(those)
    where = " ".join(filter(None, (acquirer, terminal))) or "everywhere"
    record_command(opened, "journal affected", f"{since} to {until}, {where}: {told}"[:200])
    descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        retention.write_affected(those, file)
    print(f"{told}: {out}")


def _outcome(lives: bool, ended: int) -> str:  # noqa: FBT001 - two facts about a node
    if lives:
        return "lives, and ends its own"
    return f"{ended} request(s) ended in doubt" if ended else "nothing in doubt that is old enough"


def _told(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done:,} of {total:,} rows", end="\n" if done == total else "", file=sys.stderr)
