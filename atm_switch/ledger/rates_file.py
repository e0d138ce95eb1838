"""The yearly development rates as a CSV file: year, rate_percent, status, source.

Plan: the shipped ``specs/development-rates.csv``, or a file of the operator's own in the
same form; a wrong assumed year is put right by replacing the file, never in code.
Limits: percent with up to three decimals, exact in thousandths of a percent; ``source`` is
for people.  A year after the last takes the last rate, as assumed; none is missing between
others (``RateTable``).
"""

import csv
import re
from collections.abc import Iterable
from pathlib import Path

from atm_switch.domain.accrual import DevelopmentRate, RateTable
from atm_switch.domain.errors import Refused
from atm_switch.profile.shipped import spec_text

SHIPPED = "development-rates.csv"
HEADER = ["year", "rate_percent", "status", "source"]
_STATUS = {"published": True, "assumed": False}


def read_rates(path: Path | None = None) -> RateTable:
    """Read the rates of ``path``, or the shipped ones.

    Raises ``Refused``, which names file and line, for anything but the four columns.
    """
    if path is None:
        return parse_rates(spec_text(SHIPPED).splitlines(), SHIPPED)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise Refused(f"the rates in {path.name} cannot be read: {reason}") from None
    return parse_rates(text.splitlines(), path.name)


def parse_rates(lines: Iterable[str], name: str) -> RateTable:
    """Parse the lines of a rates file; ``name`` is for messages.  Raises ``Refused``."""
    rows = csv.reader(lines)
    if next(rows, None) != HEADER:
        raise Refused(f"{name} line 1: the columns must be {','.join(HEADER)}")
    rates = [_rate(row, f"{name} line {rows.line_num}") for row in rows if row]
    try:
        return RateTable(rates)
    except ValueError as error:
        raise Refused(f"{name}: {error}") from None


def _rate(row: list[str], place: str) -> DevelopmentRate:
    if len(row) != len(HEADER):
        raise Refused(f"{place}: {len(HEADER)} columns are needed, there are {len(row)}")
    year, percent, status, _ = row
    if not re.fullmatch(r"[12][0-9]{3}", year):
        raise Refused(f"{place}, column year: a year has four digits")
    if not re.fullmatch(r"[0-9]{1,2}(\.[0-9]{1,3})?", percent):
        raise Refused(f"{place}, column rate_percent: a percentage such as 5.70 is needed")
    if status not in _STATUS:
        raise Refused(f"{place}, column status: it is published or assumed")
    whole, _, decimals = percent.partition(".")
    return DevelopmentRate(
        int(year), int(whole) * 1000 + int(decimals.ljust(3, "0")), is_published=_STATUS[status]
    )
