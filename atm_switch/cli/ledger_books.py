"""The books of ``atm-switch ledger``: post, reverse, list postings, amalgamate.

Plan: each command opens the ledger, does one thing in one transaction and tells the audit
before that is durable.
Limits: the commands are hung into the group by ``cli/ledger.py``.
"""

from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import click

from atm_switch.cli.options import data_folder, examples

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Unpack

    from atm_switch.domain.identifiers import Kpj
    from atm_switch.domain.money import Money
    from atm_switch.folder import DataFolder
    from atm_switch.ledger.store import Store

REASON_MAX = 100


class WantedPosting(TypedDict):
    """The options of ``ledger post``."""

    kind: str
    amount: "Money"
    on: datetime | None
    sub_account: str


_DAY = click.DateTime(["%Y-%m-%d"])


def _kpj(_context: click.Context, _argument: click.Parameter, digits: str) -> "Kpj":
    from atm_switch.domain.identifiers import Kpj

    try:
        return Kpj(digits)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _kpjs(
    context: click.Context, argument: click.Parameter, numbers: tuple[str, ...]
) -> "tuple[Kpj, ...]":
    return tuple(_kpj(context, argument, digits) for digits in numbers)


def _amount(_context: click.Context, _argument: click.Parameter, text: str) -> "Money":
    from atm_switch.domain.money import Money

    try:
        return Money.from_rupiah(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _reason(_context: click.Context, _argument: click.Parameter, text: str) -> str:
    from atm_switch.domain.mask import mask_long_numbers

    if not text.strip() or len(text) > REASON_MAX or not text.isprintable():
        raise click.BadParameter(f"say why, in 1 to {REASON_MAX} printable characters")
    if mask_long_numbers(text) != text:
        raise click.BadParameter("leave out numbers of members and cards: it goes to the audit")
    return text.strip()


_account = click.argument("kpj", metavar="KPJ", callback=_kpj)


@click.command(
    epilog=examples(
        "atm-switch ledger post bank 12345678901 --kind contribution --amount 285000",
        "atm-switch ledger post bank 12345678901 --kind claim --amount 1000000 --on 2026-03-02",
        "atm-switch ledger post bank 12345678901 --kind adjustment --amount=-150.50",
    )
)
@data_folder
@_account
@click.option(
    "--kind", required=True, help="What it is.",
    type=click.Choice(["contribution", "development", "claim", "adjustment"]),
)  # fmt: skip
@click.option(
    "--amount", metavar="RUPIAH", required=True, callback=_amount,
    help="Positive, as in postings.csv; only an adjustment may be negative.",
)  # fmt: skip
@click.option("--on", type=_DAY, metavar="YYYY-MM-DD", help="Its day; today (WIB) if left out.")
@click.option(
    "--sub-account", type=click.Choice(["main", "additional"]), default="main", show_default=True,
    help="Of the two UU P2SK provides for.",
)  # fmt: skip
def post(folder: Path, kpj: "Kpj", **wanted: "Unpack[WantedPosting]") -> None:
    """Book one posting while inquiries run; it earns from its day on."""
    from atm_switch.adapters.clock import read_clock
    from atm_switch.domain.errors import Refused
    from atm_switch.domain.posting import Posting, PostingKind
    from atm_switch.key_office import record_command
    from atm_switch.ledger.corrections import Entry, is_claimed_out
    from atm_switch.ledger.corrections import post as book_posting

    today = read_clock().jakarta_date()
    day = wanted["on"].date() if wanted["on"] else today
    if day > today:
        raise Refused("a posting bears today's date or an earlier one")
    kind, amount = wanted["kind"], wanted["amount"]
    what = PostingKind(kind)
    signed = -amount if what is PostingKind.CLAIM else amount
    with books(folder) as (opened, store):
        number = book_posting(
            store,
            Entry(kpj, Posting(day, what, signed), wanted["sub_account"]),
            lambda new: record_command(
                opened, "ledger post", f"{kpj.masked}: {kind} of {day}, posting {new}"
            ),
        )
        is_late = what is PostingKind.CONTRIBUTION and is_claimed_out(store, kpj)
    if is_late:
        click.echo(f"warning: {kpj.masked} is claimed out", err=True)
    print(f"posting {number}: {kind} of Rp {signed.indonesian()} on {day} for {kpj.masked}")


@click.command(
    epilog=examples(
        'atm-switch ledger reverse bank 12345678901 4711 --reason "entered twice"',
        "atm-switch ledger postings bank 12345678901      shows the numbers",
    )
)
@data_folder
@_account
@click.argument("number", metavar="SEQ", type=click.IntRange(min=1))
@click.option("--reason", metavar="TEXT", required=True, callback=_reason, help="For the audit.")
def reverse(folder: Path, kpj: "Kpj", number: int, reason: str) -> None:
    """Take one posting back with another of the opposite sign, once.

    It bears the day of the first one, or today's where that year is closed or the account has
    its development.
    """
    from atm_switch.adapters.clock import read_clock
    from atm_switch.key_office import record_command
    from atm_switch.ledger.corrections import reverse as take_back

    today = read_clock().jakarta_date()
    with books(folder) as (opened, store):
        new = take_back(
            store, kpj, number, today,
            lambda new: record_command(
                opened, "ledger reverse", f"{kpj.masked}: posting {number} by {new}: {reason}"
            ),
        )  # fmt: skip
    print(f"posting {new} takes posting {number} of {kpj.masked} back")


@click.command(
    epilog=examples(
        "atm-switch ledger postings bank 12345678901",
        "atm-switch ledger postings bank 12345678901 --year 2025",
    )
)
@data_folder
@_account
@click.option(
    "--year", type=click.IntRange(1, 2999), metavar="YYYY", help="Which; this one if left out."
)
def postings(folder: Path, kpj: "Kpj", year: int | None) -> None:
    """List the postings of one year with their numbers."""
    from atm_switch.adapters.clock import read_clock
    from atm_switch.ledger.posting_list import list_postings, years_posted

    year = year or read_clock().jakarta_date().year
    with books(folder) as (_, store):
        years = years_posted(store, kpj)
        if year not in years:
            others = f"; there are some of {', '.join(map(str, years))}" if years else " at all"
            click.echo(f"{kpj.masked} has no postings of {year}{others}", err=True)
        for one in list_postings(store, kpj, year):
            note = "" if one.sub_account == "main" else f"  {one.sub_account} account"
            note += f"  takes back {one.reverses}" if one.reverses else ""
            note += f"  taken back by {one.reversed_by}" if one.reversed_by else ""
            amount = one.amount.indonesian()
            print(f"{one.number:>12}  {one.posted_on}  {one.kind.value:12}  Rp {amount:>20}{note}")


@click.command(
    epilog=examples(
        "atm-switch ledger amalgamate bank 12345678901 12345678919",
        "the first number is kept, the others are merged into it",
    )
)
@data_folder
@click.argument("kept", metavar="KEPT", callback=_kpj)
@click.argument("merged", metavar="KPJ...", nargs=-1, required=True, callback=_kpjs)
def amalgamate(folder: Path, kept: "Kpj", merged: "tuple[Kpj, ...]") -> None:
    """Merge several KPJ of one person into the first: balances and cards move to it."""
    from atm_switch.adapters.clock import read_clock
    from atm_switch.key_office import record_command
    from atm_switch.ledger.amalgamation import amalgamate as merge

    names = ", ".join(one.masked for one in merged)
    today = read_clock().jakarta_date()
    with books(folder) as (opened, store):
        done = merge(
            store, kept, merged, today,
            lambda _: record_command(opened, "ledger amalgamate", f"{names} into {kept.masked}"),
        )  # fmt: skip
    print(f"merged {names} into {kept.masked}: Rp {done.moved.indonesian()} moved")


COMMANDS = (post, reverse, postings, amalgamate)


@contextmanager
def books(path: Path) -> "Iterator[tuple[DataFolder, Store]]":
    """Lend an opened folder and its ledger for writing.  Raises ``Refused``."""
    from atm_switch.folder import open_to_write
    from atm_switch.ledger.opening import open_store

    opened = open_to_write(path)
    with closing(open_store(opened.settings.ledger.url, opened.ledger)) as store:
        yield opened, store
