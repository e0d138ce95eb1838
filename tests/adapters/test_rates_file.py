"""The rates file: what ships, what an operator may put in its place, what is refused."""

from pathlib import Path

import pytest

from atm_switch.domain.accrual import DevelopmentRate
from atm_switch.domain.errors import Refused
from atm_switch.ledger.rates_file import parse_rates, read_rates

HEADER = "year,rate_percent,status,source"


@pytest.mark.parametrize(
    ("year", "millipercent", "is_published"),
    [
        (2010, 10_000, False),
        (2012, 10_100, True),
        (2016, 7_190, True),
        (2020, 5_630, True),
        (2021, 5_700, False),
        (2025, 5_000, False),
    ],
)
def test_shipped_rates_are_the_table(year: int, millipercent: int, is_published: bool) -> None:  # noqa: FBT001 - a column of the table
    """
    The shipped rates are those of domain.md 2.15, each marked published or assumed.
    """
    assert DevelopmentRate(year, millipercent, is_published) == read_rates().of(year)


def test_year_after_table_takes_last_rate() -> None:
    """
    A year the table does not have yet takes the last rate and is assumed.
    """
    assert DevelopmentRate(2031, 5_000, is_published=False) == read_rates().of(2031)


def test_own_file_replaces_shipped_rates(tmp_path: Path) -> None:
    """
    A file of the operator's own, with BOM and CRLF, is read in place of the shipped one.
    """
    path = tmp_path / "rates.csv"
    path.write_bytes(f"\ufeff{HEADER}\r\n2025,5.125,published,notice 1\r\n".encode())

    rate = read_rates(path).of(2025)

    assert DevelopmentRate(2025, 5_125, is_published=True) == rate


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([], "line 1: the columns must be"),
        (["year,rate"], "line 1: the columns must be"),
        ([HEADER], "a rate table has at least one year"),
        ([HEADER, "2025,5.00,published"], "line 2: 4 columns are needed, there are 3"),
        ([HEADER, "25,5.00,published,x"], "line 2, column year"),
        ([HEADER, "2025,5%,published,x"], "line 2, column rate_percent"),
        ([HEADER, "2025,5.0001,published,x"], "line 2, column rate_percent"),
        ([HEADER, "2025,5.00,known,x"], "line 2, column status"),
        ([HEADER, "2025,5,assumed,x", "2025,6,assumed,x"], "no year twice"),
        ([HEADER, "2025,5,assumed,x", "2022,6,assumed,x"], "the rate of 2023 is missing"),
    ],
)
def test_wrong_rates_are_refused_in_words(lines: list[str], reason: str) -> None:
    """
    What is no table of rates is refused with file, line and column.
    """
    with pytest.raises(Refused, match=f"my.csv.*{reason}"):
        parse_rates(lines, "my.csv")


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_unreadable_rates_are_refused(tmp_path: Path, content: bytes | None) -> None:
    """
    A missing file and one that is no text are refused by name.
    """
    path = tmp_path / "rates.csv"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(Refused, match=r"the rates in rates\.csv cannot be read"):
        read_rates(path)
