"""A member's statement as people and programs want it: plain, coloured, JSON, one page.

Plan: whatever the form, it shows the same ``DrawnStatement``, masked as on slips.  On a
terminal the table by year keeps as many columns as fit, amounts always whole.
Limits: pages are written anew over a file of the same name.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypedDict

from atm_switch.domain.errors import Refused
from atm_switch.domain.member import MemberStatus, Participant
from atm_switch.domain.money import ZERO, Money
from atm_switch.domain.statement import Statement
from atm_switch.ledger.year_table import YearRow

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from atm_switch.ledger.statement_page import StatementSheet

_STATES: Final = {
    MemberStatus.ACTIVE: "active",
    MemberStatus.INACTIVE: "inactive",
    MemberStatus.CLAIMED_OUT: "claimed out",
}
_BAR: Final = "cyan"
"""Of the sixteen colours one that both dark and light themes make readable."""
_COLUMN_SETS: Final = (
    ("opening", "contributions", "adjustments", "development", "claims", "closing"),
    ("contributions", "adjustments", "development", "claims", "closing"),
    ("contributions", "development", "claims", "closing"),
    ("development", "closing"),
    ("closing",),
)
_EIGHTHS: Final = " ▏▎▍▌▋▊▉"


class WantedStatement(TypedDict):
    """The options of ``ledger show``."""

    as_of: datetime | None
    as_json: bool
    plain: bool
    svg: Path | None
    pdf: Path | None
    language: str


@dataclass(frozen=True, slots=True)
class DrawnStatement:
    """Who, how much, and how it came to be: the last of ``years`` is the statement's."""

    participant: Participant
    statement: Statement
    years: tuple[YearRow, ...]
    additional: Money = ZERO
    """What of the balance was booked on the additional account (UU P2SK art. 188)."""


def show_statement(drawn: DrawnStatement, wanted: WantedStatement) -> None:
    """Write the pages and print the form that is wanted.  Raises ``Refused``."""
    if wanted["svg"]:
        _write(wanted["svg"], _svg(drawn, wanted["language"]))
    if wanted["pdf"]:
        _write(wanted["pdf"], _pdf(drawn, wanted["language"]))
    if wanted["as_json"]:
        print(json.dumps(document(drawn)))
    elif wanted["plain"] or not sys.stdout.isatty():
        print("\n".join(plain_lines(drawn)))
    else:
        from rich.console import Console

        print_rich(drawn, Console(highlight=False))


def document(drawn: DrawnStatement) -> dict[str, object]:
    """Return the JSON object; amounts are rupiah with two decimals."""
    participant, statement = drawn.participant, drawn.statement
    last = statement.last_contribution
    return {
        "kpj": participant.kpj.masked,
        "name": participant.masked_name,
        "segment": participant.segment.value,
        "status": participant.status.value,
        "as_of": statement.as_of.isoformat(),
        "opening": statement.opening.plain(),
        "opening_is_estimate": statement.carried.sen > 0,
        "contributions": statement.contributions.plain(),
        "contributions_hold_estimate": bool(statement.handed_over.sen),
        "development": statement.development.plain(),
        "development_is_estimate": statement.is_estimate,
        "rate_percent": _percent(statement),
        "claims": statement.claims.plain(),
        "closing": statement.closing.plain(),
        "additional_account": drawn.additional.plain(),
        "last_contribution": last.isoformat() if last else None,
        "years": [_year(row) for row in drawn.years],
    }


def plain_lines(drawn: DrawnStatement) -> list[str]:
    """Write the statement for a pipe or a simple terminal."""
    participant, statement = drawn.participant, drawn.statement
    lines = [
        f"KPJ {participant.kpj.masked}  {participant.masked_name}",
        f"segment {participant.segment.value}, status {participant.status.value}",
        f"as of {statement.as_of}, last contribution {statement.last_contribution or 'none'}",
    ]
    rows = _amounts(drawn)
    lines += [f"  {label:36} Rp {amount.indonesian():>20}" for label, amount in rows]
    ends = [(_end_of(row), row.closing) for row in drawn.years[:-1]]
    return lines + [f"  {label:36} Rp {amount.indonesian():>20}" for label, amount in ends]


def print_rich(drawn: DrawnStatement, console: "Console") -> None:
    """Print the statement, the table by year and the chart, no wider than the terminal."""
    from rich.markup import escape
    from rich.padding import Padding

    participant = drawn.participant
    console.print(f"[bold]{escape(participant.masked_name)}[/bold]  KPJ {participant.kpj.masked}")
    console.print(
        f"segment {participant.segment.value}, {_STATES[participant.status]}, as of"
        f" {drawn.statement.as_of}, last contribution {drawn.statement.last_contribution or 'none'}"
    )
    console.print(Padding(_summary(drawn), (1, 0)))
    console.print(_by_year(drawn, console.width))
    console.print()
    console.print("closing balance by year", style="bold")
    for bar in bars(drawn.years, console.width, is_unicode=console.encoding.startswith("utf")):
        console.print(bar, style=_BAR, markup=False, no_wrap=True)


def bars(years: Sequence[YearRow], width: int, *, is_unicode: bool = True) -> list[str]:
    """Draw a bar for each year within ``width`` columns; the amount is always whole."""
    amounts = [row.closing.indonesian() for row in years]
    beside = 4 + 1 + max(map(len, amounts)) + 1
    room = max(0, width - beside - 1)
    most = max(1, *(row.closing.sen for row in years), 1)
    lines = []
    for row, amount in zip(years, amounts, strict=True):
        eighths = 8 * room * max(0, row.closing.sen) // most
        whole, part = divmod(eighths, 8)
        bar = "█" * whole + _EIGHTHS[part].strip() if is_unicode else "#" * whole
        lines.append(f"{row.year:4} {amount:>{beside - 6}} {bar}".rstrip())
    return lines


def _summary(drawn: DrawnStatement) -> "Table":
    from rich.box import SIMPLE
    from rich.table import Table

    table = Table(box=SIMPLE, show_header=False, padding=(0, 1), show_edge=False)
    table.add_column(overflow="fold")
    table.add_column(justify="right", no_wrap=True)
    for label, amount in _amounts(drawn):
        is_last = label == "closing balance"
        if is_last:
            table.add_section()
        style = "bold" if is_last else ""
        table.add_row(label, f"Rp {amount.indonesian()}", style=style)
    return table


def _by_year(drawn: DrawnStatement, width: int) -> "Table":
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    names = _columns(drawn.years, width)
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column("year", no_wrap=True)
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    for row in drawn.years:
        year = f"{row.year}{'*' if row.is_estimate else ''}"
        table.add_row(year, *(_cell(row, name) for name in names))
    if drawn.statement.is_estimate:
        table.caption = "* development is an estimate until it is booked"
        table.caption_justify = "left"
    return table


def _columns(years: Sequence[YearRow], width: int) -> tuple[str, ...]:
    """Choose the most telling columns of which all fit."""
    for names in _COLUMN_SETS:
        widths = [max(len(name), *(len(_cell(row, name)) for row in years)) for name in names]
        if 5 + 1 + sum(widths) + 2 * len(names) <= width:
            return names
    return _COLUMN_SETS[-1]


def _cell(row: YearRow, name: str) -> str:
    amount = -row.claims if name == "claims" else getattr(row, name)
    return str(amount.indonesian())


def _amounts(drawn: DrawnStatement) -> tuple[tuple[str, Money], ...]:
    statement = drawn.statement
    kind = "estimate" if statement.is_estimate else "booked"
    additional = (("of it in the additional account", drawn.additional),)
    return (
        ("opening balance", statement.opening),
        ("contributions", statement.contributions),
        (f"development, {kind} at {_percent(statement)} %", statement.development),
        ("claims", -statement.claims),
        ("closing balance", statement.closing),
        *(additional if drawn.additional.sen else ()),
    )


def _end_of(row: YearRow) -> str:
    return (
        f"{row.year}, not closed yet, estimated" if row.is_estimate else f"{row.year} closed with"
    )


def _year(row: YearRow) -> dict[str, object]:
    return {
        "year": row.year,
        "opening": row.opening.plain(),
        "contributions": row.contributions.plain(),
        "adjustments": row.adjustments.plain(),
        "adjustments_hold_estimate": row.adjustments_hold_estimate,
        "development": row.development.plain(),
        "development_is_estimate": row.is_estimate,
        "claims": row.claims.plain(),
        "closing": row.closing.plain(),
    }


def _percent(statement: Statement) -> str:
    whole, decimals = divmod(statement.rate_millipercent, 1000)
    return f"{whole}.{decimals:03d}".removesuffix("0")


def _svg(drawn: DrawnStatement, language: str) -> bytes:
    from atm_switch.ledger.statement_svg import svg_of

    return svg_of(_sheet(drawn, language)).encode()


def _pdf(drawn: DrawnStatement, language: str) -> bytes:
    from atm_switch.ledger.statement_pdf import pdf_of

    return pdf_of(_sheet(drawn, language))


def _sheet(drawn: DrawnStatement, language: str) -> "StatementSheet":
    from atm_switch.ledger.statement_page import StatementSheet
    from atm_switch.ledger.statement_words import WORDS

    return StatementSheet(
        drawn.participant, drawn.statement, drawn.years, WORDS[language], drawn.additional
    )


def _write(path: Path, page: bytes) -> None:
    try:
        path.write_bytes(page)
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}") from None
