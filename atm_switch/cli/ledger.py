"""``atm-switch ledger``: import members and postings; show one member's statement."""

import json
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from atm_switch.cli import ledger_books, ledger_years
from atm_switch.cli.groups import Group
from atm_switch.cli.options import data_folder, examples

if TYPE_CHECKING:
    from atm_switch.domain.identifiers import Kpj
    from atm_switch.domain.member import Participant
    from atm_switch.domain.statement import Statement
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
def import_ledger(folder: Path, files: tuple[Path, ...], skip_bad: Path | None) -> None:
    """Import participants and postings from CSV files, all or nothing."""
    from atm_switch.cli.importing import import_ledger_files

    import_ledger_files(folder, files, skip_bad)


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
    )
)
@data_folder
@click.argument("kpj", metavar="KPJ", callback=_kpj)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, amounts in rupiah.")
@click.option(
    "--as-of", type=click.DateTime(["%Y-%m-%d"]), metavar="YYYY-MM-DD",
    help="The day of the statement; today (WIB) if left out.",
)  # fmt: skip
def show(folder: Path, kpj: "Kpj", as_json: bool, as_of: datetime | None) -> None:  # noqa: FBT001 - click hands flags in so
    """Print the statement of one member: opening, contributions, development, claims."""
    from atm_switch.adapters.clock import read_clock
    from atm_switch.folder import open_folder

    day = as_of.date() if as_of else read_clock().jakarta_date()
    participant, statement = _draw_up(open_folder(folder), kpj, day)
    if as_json:
        print(json.dumps(_document(participant, statement)))
    else:
        _print_statement(participant, statement)


def _draw_up(folder: "DataFolder", kpj: "Kpj", day: date) -> "tuple[Participant, Statement]":
    from contextlib import closing

    from atm_switch.domain.accrual import Accrual
    from atm_switch.domain.errors import Refused
    from atm_switch.domain.statement import draw_up
    from atm_switch.ledger.ledger_sqlite import SqliteLedger
    from atm_switch.ledger.rates_file import read_rates

    rates = read_rates(folder.rates)
    with closing(SqliteLedger(folder.ledger, folder.settings.ledger.query_seconds_max)) as store:
        found = store.account(kpj, day)
    if found is None:
        raise Refused("the ledger knows no such KPJ; import it with atm-switch ledger import")
    participant, history = found
    accrual = Accrual(folder.settings.ledger.accrual)
    return participant, draw_up(history, day, rates.of(day.year).millipercent, accrual)


def _document(participant: "Participant", statement: "Statement") -> dict[str, object]:
    last = statement.last_contribution
    return {
        "kpj": participant.kpj.masked,
        "name": participant.masked_name,
        "segment": participant.segment.value,
        "status": participant.status.value,
        "as_of": statement.as_of.isoformat(),
        "opening": statement.opening.plain(),
        "contributions": statement.contributions.plain(),
        "development": statement.development.plain(),
        "development_is_estimate": statement.is_estimate,
        "rate_percent": _percent(statement),
        "claims": statement.claims.plain(),
        "closing": statement.closing.plain(),
        "last_contribution": last.isoformat() if last else None,
    }


def _print_statement(participant: "Participant", statement: "Statement") -> None:
    last = statement.last_contribution
    kind = "estimate" if statement.is_estimate else "booked"
    print(f"KPJ {participant.kpj.masked}  {participant.masked_name}")
    print(f"segment {participant.segment.value}, status {participant.status.value}")
    print(f"as of {statement.as_of.isoformat()}, last contribution {last or 'none'}")
    rows = (
        ("opening balance", statement.opening),
        ("contributions", statement.contributions),
        (f"development, {kind} at {_percent(statement)} %", statement.development),
        ("claims", -statement.claims),
        ("closing balance", statement.closing),
    )
    for label, amount in rows:
        print(f"  {label:36} Rp {amount.indonesian():>20}")


def _percent(statement: "Statement") -> str:
    whole, decimals = divmod(statement.rate_millipercent, 1000)
    return f"{whole}.{decimals:03d}".removesuffix("0")


for _command in (*ledger_books.COMMANDS, *ledger_years.COMMANDS):
    ledger.add_command(_command)
