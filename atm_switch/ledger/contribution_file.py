"""The contribution rates as a CSV file: segment, item, value, unit, status, source.

Plan: the shipped ``specs/contribution-rates.csv``; read like the development rates.
Limits: every item once, ``PMI,amount`` once or more; ``status`` and ``source`` are for
people.  Percent with up to three decimals, exact in thousandths of a percent.
"""

import csv
import re
from collections.abc import Callable, Iterable
from typing import Final

from atm_switch.domain.contribution import ContributionRates
from atm_switch.domain.errors import Refused
from atm_switch.domain.money import Money
from atm_switch.profile.shipped import spec_text

SHIPPED: Final = "contribution-rates.csv"
HEADER: Final = ["segment", "item", "value", "unit", "status", "source"]
_UNITS: Final = {
    ("PU", "employer"): "percent_of_wage",
    ("PU", "worker"): "percent_of_wage",
    ("BPU", "rate"): "percent_of_income",
    ("BPU", "lowest"): "rupiah_a_month",
    ("BPU", "highest"): "rupiah_a_month",
    ("PMI", "amount"): "rupiah_a_month",
}

Item = tuple[str, str]


def shipped_contributions() -> ContributionRates:
    """Read the rates that ship."""
    return parse_contributions(spec_text(SHIPPED).splitlines(), SHIPPED)


def parse_contributions(lines: Iterable[str], name: str) -> ContributionRates:
    """Parse the lines of such a file; ``name`` is for messages.  Raises ``Refused``."""
    rows = csv.reader(lines)
    if next(rows, None) != HEADER:
        raise Refused(f"{name} line 1: the columns must be {','.join(HEADER)}")
    found: dict[Item, list[str]] = {}
    for row in filter(None, rows):
        item, value = _item(row, f"{name} line {rows.line_num}")
        found.setdefault(item, []).append(value)
    for item in _UNITS:
        if item not in found or (item != ("PMI", "amount") and len(found[item]) > 1):
            raise Refused(f"{name}: {' '.join(item)} must be there, and once")
    return _rates(found, name)


def _rates(found: dict[Item, list[str]], name: str) -> ContributionRates:
    try:
        return ContributionRates(
            employer_millipercent=_one(found, ("PU", "employer"), _millipercent),
            worker_millipercent=_one(found, ("PU", "worker"), _millipercent),
            income_millipercent=_one(found, ("BPU", "rate"), _millipercent),
            lowest=Money.from_rupiah(found["BPU", "lowest"][0]),
            highest=Money.from_rupiah(found["BPU", "highest"][0]),
            amounts=tuple(Money.from_rupiah(one) for one in found["PMI", "amount"]),
        )
    except ValueError as error:
        raise Refused(f"{name}: {error}") from None


def _one(found: dict[Item, list[str]], item: Item, read: Callable[[str], int]) -> int:
    return read(found[item][0])


def _item(row: list[str], place: str) -> tuple[Item, str]:
    if len(row) != len(HEADER):
        raise Refused(f"{place}: {len(HEADER)} columns are needed, there are {len(row)}")
    segment, item, value, unit, status, _ = row
    if segment == "Jakon":
        raise Refused(f"{place}, column segment: Jakon has no JHT, so nothing is paid into it")
    if _UNITS.get((segment, item)) != unit:
        raise Refused(f"{place}: no such item of this segment in this unit")
    if status not in ("published", "assumed"):
        raise Refused(f"{place}, column status: it is published or assumed")
    return (segment, item), value


def _millipercent(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,2}(\.[0-9]{1,3})?", text, re.ASCII):
        message = "a percentage such as 3.7 is needed"
        raise ValueError(message)
    whole, _, decimals = text.partition(".")
    return int(whole) * 1000 + int(decimals.ljust(3, "0"))
