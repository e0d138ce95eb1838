"""``atm-switch ledger``: import members and postings; show one member's statement."""

from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from atm_switch.cli import ledger_books, ledger_sample, ledger_years
from atm_switch.cli.options import data_folder, examples
from atm_switch.command_groups import Group

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Unpack

    from atm_switch.cli.ledger_statement import WantedStatement
    from atm_switch.domain.identifiers import Kpj
    from atm_switch.domain.member import Participant
    from atm_switch.domain.statement import AccountHistory
    from atm_switch.folder import DataFolder


@click.group(
    cls=Group,
    epilog=examples(
        "atm-switch ledger import bank participants.csv postings.csv",
        "atm-switch ledger show bank 12345678901",
    ),
)
def ledger() -> None:
    """Import members and postings, keep the books, show one member's statement."""


@ledger.command(
    "import",
    epilog=examples(
        "atm-switch ledger import bank participants.csv postings.csv",
        "atm-switch ledger import bank postings.csv --skip-bad rejects.csv",
        "atm-switch ledger import bank second-payments.csv --again",
        "atm-switch ledger import bank same-bytes.csv --once-more 7",
        "participants.csv: kpj,nik,name,birth_date,segment,status",
        "postings.csv:     kpj,posted_on,kind,amount",
    ),
)
@data_folder
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "--skip-bad", type=click.Path(path_type=Path), metavar="FILE",
    help="Write bad rows here and take the others; without it a bad row stops all.",
)  # fmt: skip
@click.option(
    "--again", is_flag=True,
    help="Book every row, those too that equal a posting booked before in KPJ, day, kind and"
    " amount: for a file that holds such other payments and nothing else. One whose very bytes were"
    " imported before is refused, with what to say instead.",
)  # fmt: skip
@click.option(
    "--once-more", type=click.IntRange(min=1), metavar="IMPORT", default=None,
    help="Book every row of the one file though its very bytes were imported before, IMPORT being"
    " the number of the newest such import, which is told. Said again it books nothing.",
)  # fmt: skip
def import_ledger(
    folder: Path,
    files: tuple[Path, ...],
    skip_bad: Path | None,
    *,
    again: bool,
    once_more: int | None,
) -> None:
    """Import participants and postings from CSV files, all or nothing.

    A posting that equals one booked before is a bad row: a file saved anew, or longer by a
    few lines, books nothing twice.

    Inquiries are answered all the while, and postings booked while files are read. While an
    import checks and books, another posting waits 5 seconds and is refused then: try it again.
    """
    from atm_switch.cli.importing import import_ledger_files

    import_ledger_files(folder, files, skip_bad, again=again, once_more=once_more or 0)


_FIRST_DAY = date(1900, 1, 1)
_DAYS_AHEAD_MAX = 366
"""As far ahead as a posting may be dated; beyond, every year would be invented."""


def _as_of(
    _context: click.Context, _option: click.Parameter, wanted: "datetime | None"
) -> "datetime | None":
    from atm_switch.adapters.clock import read_clock

    if wanted is not None:
        last = read_clock().jakarta_date() + timedelta(_DAYS_AHEAD_MAX)
        if not _FIRST_DAY <= wanted.date() <= last:
            raise click.BadParameter(f"a statement is of a day from {_FIRST_DAY} to {last}")
    return wanted


def _kpj(_context: click.Context, _argument: click.Parameter, digits: str) -> "Kpj":
    from atm_switch.domain.identifiers import Kpj

    try:
        return Kpj(digits)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@ledger.command(
    epilog=examples(
        "atm-switch ledger show bank 12345678901",
        "atm-switch ledger show bank 12345678901 --as-of 2026-06-30",
        "atm-switch ledger show bank 12345678901 --json",
        "atm-switch ledger show bank 12345678901 --pdf statement.pdf --language en",
    )
)
@data_folder
@click.argument("kpj", metavar="KPJ", callback=_kpj)
@click.option(
    "--as-of", type=click.DateTime(["%Y-%m-%d"]), metavar="YYYY-MM-DD", callback=_as_of,
    help="The day of the statement; today (WIB) if left out.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, amounts in rupiah.")
@click.option("--plain", is_flag=True, help="Print plain lines on a terminal too.")
@click.option(
    "--svg", type=click.Path(path_type=Path), metavar="FILE", help="Write one A4 page as SVG."
)
@click.option(
    "--pdf", type=click.Path(path_type=Path), metavar="FILE", help="Write one A4 page as PDF."
)
@click.option(
    "--language", type=click.Choice(["id", "en"]), default="id", show_default=True,
    help="Of the printed page.",
)  # fmt: skip
def show(folder: Path, kpj: "Kpj", **wanted: "Unpack[WantedStatement]") -> None:
    """Show the statement of one member: the amounts of the year, and year by year."""
    from contextlib import closing

    from atm_switch.adapters.clock import read_clock
    from atm_switch.cli.ledger_statement import DrawnStatement, show_statement
    from atm_switch.domain.accrual import Accrual
    from atm_switch.domain.statement import draw_up
    from atm_switch.folder import open_to_write
    from atm_switch.ledger.closing import closing_rates
    from atm_switch.ledger.opening import open_store
    from atm_switch.ledger.posting_list import additional_account, merged_into
    from atm_switch.ledger.rates_file import read_rates
    from atm_switch.ledger.year_table import years_of

    day = wanted["as_of"].date() if wanted["as_of"] else read_clock().jakarta_date()
    opened = open_to_write(folder)
    participant, history = _read(opened, kpj, day)
    with closing(open_store(opened.settings.ledger.url, opened.ledger)) as store:
        rates = read_rates(opened.rates).closed_by(closing_rates(store))
        statement = draw_up(history, day, rates, Accrual(opened.settings.ledger.accrual))
        years = years_of(store, kpj, statement)
        drawn = DrawnStatement(participant, statement, years, additional_account(store, kpj, day))
        if (kept := merged_into(store, kpj)) is not None:
            click.echo(f"{kpj.masked} was merged into {kept.masked}; show that one", err=True)
    show_statement(drawn, wanted)


def _read(folder: "DataFolder", kpj: "Kpj", day: date) -> "tuple[Participant, AccountHistory]":
    from atm_switch.domain.errors import Refused
    from atm_switch.ledger.opening import read_account

    found = read_account(folder.ledger_place, kpj, day)
    if found is None:
        raise Refused("the ledger knows no such KPJ; import it with atm-switch ledger import")
    return found


for _command in (*ledger_books.COMMANDS, *ledger_years.COMMANDS, ledger_sample.sample):
    ledger.add_command(_command)
