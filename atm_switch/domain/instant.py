"""Time as an argument: one reading of both clocks, and the zones of Indonesia."""

from contextlib import suppress
from datetime import date, datetime, timedelta, timezone
from enum import Enum

from atm_switch.domain.value import value


class Zone(Enum):
    """Indonesia's three zones; no daylight saving, so fixed offsets (domain.md 3.18)."""

    WIB = 7
    WITA = 8
    WIT = 9

    def __init__(self, hours: int) -> None:
        """Make once what every request asks for some times."""
        self.ahead = timedelta(hours=hours)
        """How far it is ahead of UTC."""
        self.tzinfo = timezone(self.ahead, self._name_)
        """The zone as the standard library wants it."""


_JAKARTA_AHEAD = Zone.WIB.ahead

HALF_YEAR = timedelta(days=182)
"""Nearer than this no other year brings a stamp."""


@value
class Instant:
    """One reading: ``utc`` for stamps, ``monotonic`` seconds for durations."""

    utc: datetime
    monotonic: float

    def local(self, zone: Zone) -> datetime:
        """The wall clock in ``zone``."""
        return self.utc.astimezone(zone.tzinfo)

    def jakarta_date(self) -> date:
        """The calendar day the ledger goes by (WIB)."""
        return (self.utc + _JAKARTA_AHEAD).date()


def transmission_stamp(at: datetime) -> str:
    """Write DE7, ``MMDDhhmmss`` in UTC (ISO 8583:1987, data element 7)."""
    return f"{at:%m%d%H%M%S}"


def read_transmission_stamp(stamp: str, near: datetime) -> datetime:
    """Read DE7, ten digits, and supply the year that puts it nearest to ``near`` (UTC).

    Raises ``ValueError`` for a day or hour that does not exist in any of those years.
    """
    try:
        sent_at = _moment(near.year, stamp, near)
        if -HALF_YEAR < sent_at - near < HALF_YEAR:
            return sent_at
    except ValueError:
        pass  # 29 February of another year
    candidates = []
    for year in (near.year - 1, near.year, near.year + 1):
        with suppress(ValueError):
            candidates.append(_moment(year, stamp, near))
    if not candidates:
        message = "DE7 is no moment of the calendar"
        raise ValueError(message)
    return min(candidates, key=lambda candidate: abs(candidate - near))


def _moment(year: int, stamp: str, near: datetime) -> datetime:
    seconds = int(stamp)
    minutes, hours, days = seconds // 100, seconds // 10_000, seconds // 1_000_000
    return datetime(
        year, days // 100, days % 100, hours % 100, minutes % 100, seconds % 100, 0, near.tzinfo
    )
