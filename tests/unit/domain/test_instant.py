"""Claims about time: DE7 finds its year, slips their zone."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atm_switch.domain.instant import (
    Instant,
    Zone,
    read_transmission_stamp,
    transmission_stamp,
)

moments = st.datetimes(datetime(2001, 1, 1), datetime(2098, 12, 31)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
)


@given(moments, st.integers(-150, 150))
def test_stamp_written_within_months_is_read_back(moment: datetime, days: int) -> None:
    """The year is the one nearest to now, also over New Year."""
    assert moment == read_transmission_stamp(
        transmission_stamp(moment), moment + timedelta(days=days)
    )


def test_leap_day_finds_the_leap_year_near() -> None:
    """29 February exists only in some of the years tried."""
    near = datetime(2029, 1, 15, tzinfo=UTC)

    assert 2028 == read_transmission_stamp("0229120000", near).year


@pytest.mark.parametrize("stamp", ["0230120000", "1301120000", "0101250000", "0101126000"])
def test_moment_that_never_is_is_refused(stamp: str) -> None:
    """30 February, month 13, hour 25, minute 60."""
    with pytest.raises(ValueError, match="DE7"):
        read_transmission_stamp(stamp, datetime(2026, 6, 1, tzinfo=UTC))


def test_jakarta_is_seven_hours_ahead() -> None:
    """The day of the ledger begins at 17:00 UTC; WITA and WIT are later still."""
    instant = Instant(datetime(2025, 12, 31, 17, 0, tzinfo=UTC), 0.0)

    assert date(2026, 1, 1) == instant.jakarta_date()
    assert [0, 1, 2] == [instant.local(zone).hour for zone in Zone]
