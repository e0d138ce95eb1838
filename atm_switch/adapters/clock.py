"""The system's clocks, the only place that reads them for the switch."""

import time
from datetime import UTC, datetime

from atm_switch.domain.instant import Instant


def read_clock() -> Instant:
    """Read both clocks at once."""
    return Instant(datetime.now(UTC), time.monotonic())


def utc_now() -> datetime:
    """Read the wall clock, in UTC."""
    return datetime.now(UTC)
