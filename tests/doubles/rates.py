"""Tables of rates, for claims that are not about the published ones."""

from atm_switch.domain.accrual import DevelopmentRate, RateTable


def yearly(millipercent: dict[int, int]) -> RateTable:
    """Return a rate for each year."""
    return RateTable(
        DevelopmentRate(year, rate, is_published=True) for year, rate in millipercent.items()
    )


def flat(millipercent: int) -> RateTable:
    """Return the same rate for every year."""
    return yearly({2025: millipercent})
