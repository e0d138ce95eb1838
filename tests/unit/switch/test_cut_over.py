"""0800/201: how far a business date may move, and which day a DE15 is."""

from datetime import date

import pytest

from atm_switch.switch.network_management import settlement_date
from tests.doubles.bench import BNI
from tests.doubles.inquiries import network, signed_on

CUT_OVER = "201"


@pytest.mark.parametrize(("day", "code"), [("0707", "00"), ("0708", "30"), ("0623", "00")])
def test_cut_over_moves_a_week_at_most(day: str, code: str) -> None:
    """
    A business date further from today is a mistake, named in DE44, and moves nothing.
    """
    bench = signed_on()

    response = bench.ask(network(CUT_OVER, {15: day}))

    assert code == response[39]
    assert ("DE015" if code == "30" else "") == response.get(44)
    assert (code == "00") is (BNI in bench.house.business_dates)


def test_cut_over_said_twice_moves_one_day() -> None:
    """
    The second is counted from the calendar, as the first was, and gets its 00.
    """
    bench = signed_on()

    codes = [bench.ask(network(CUT_OVER, {11: stan}))[39] for stan in ("000009", "000010")]

    assert ["00", "00"] == codes
    assert {BNI: date(2025, 7, 1)} == bench.house.business_dates


@pytest.mark.parametrize(
    ("today", "leap_day"),
    [
        (date(2027, 6, 30), date(2028, 2, 29)),
        (date(2025, 6, 30), date(2024, 2, 29)),
        (date(2028, 3, 1), date(2028, 2, 29)),
    ],
)
def test_leap_day_is_that_of_the_nearest_year_which_has_one(today: date, leap_day: date) -> None:
    """
    In a year without one DE15 0229 is a day all the same, though half a year off.
    """
    assert leap_day == settlement_date({15: "0229"}, today)
