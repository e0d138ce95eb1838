"""The contribution rates that ship, and what is no table of them."""

import pytest

from atm_switch.domain.errors import Refused
from atm_switch.domain.money import Money
from atm_switch.ledger.contribution_file import parse_contributions, shipped_contributions

LINES = [
    "segment,item,value,unit,status,source",
    "PU,employer,3.7,percent_of_wage,published,x",
    "PU,worker,2.0,percent_of_wage,published,x",
    "BPU,rate,2,percent_of_income,published,x",
    "BPU,lowest,20000,rupiah_a_month,published,x",
    "BPU,highest,414000,rupiah_a_month,published,x",
    "PMI,amount,105000,rupiah_a_month,assumed,x",
]


def test_shipped_contributions_are_the_rules() -> None:
    """
    3.7 and 2 per cent of the wage, 2 per cent of the income from 20,000 to 414,000.
    """
    rates = shipped_contributions()

    assert (3_700, 2_000, 2_000) == (
        rates.employer_millipercent, rates.worker_millipercent, rates.income_millipercent,
    )  # fmt: skip
    assert ("20000.00", "414000.00") == (rates.lowest.plain(), rates.highest.plain())
    assert Money.from_rupiah("105000") in rates.amounts


@pytest.mark.parametrize(
    ("at", "line", "reason"),
    [
        (0, "segment,item", "line 1: the columns must be"),
        (1, "PU,employer,3.7", "line 2: 6 columns are needed, there are 3"),
        (1, "PU,employer,x,percent_of_wage,published,x", "a percentage such as 3.7"),
        (1, "PU,employer,3.7,rupiah_a_month,published,x", "line 2: no such item"),
        (1, "PU,employer,3.7,percent_of_wage,known,x", "line 2, column status"),
        (1, "PU,worker,2,percent_of_wage,published,x", "PU employer must be there, and once"),
        (4, "BPU,lowest,2.123,rupiah_a_month,published,x", "up to two decimals"),
        (6, "Jakon,rate,1,percent_of_wage,published,x", "Jakon has no JHT"),
    ],
)
def test_wrong_contributions_are_refused(at: int, line: str, reason: str) -> None:
    """
    What is no such table is refused with its file, and its line where one is at fault.
    """
    lines = [*LINES[:at], line, *LINES[at + 1 :]]

    with pytest.raises(Refused, match=f"my.csv.*{reason}"):
        parse_contributions(lines, "my.csv")
