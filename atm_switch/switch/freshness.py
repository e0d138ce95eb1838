"""A MAC has no freshness: what changes keys or sessions must also be of now (DE7)."""

from datetime import datetime

from atm_switch.domain.errors import Declined
from atm_switch.domain.instant import read_transmission_stamp
from atm_switch.domain.outcome import Outcome
from atm_switch.switch.case import Case

TRANSMISSION = 7


def require_fresh(case: Case) -> None:
    """Raise ``Declined`` (68) for a DE7 outside the profile's window, (30) for no moment.

    A window of 0 lets everything through, as it does for inquiries.
    """
    try:
        sent_at = read_transmission_stamp(case.message[TRANSMISSION], case.received.utc)
    except ValueError as error:
        raise Declined(Outcome.FORMAT_ERROR, str(error), data_element=TRANSMISSION) from None
    require_recent(sent_at, case)


def require_recent(sent_at: datetime, case: Case) -> None:
    """Raise ``Declined`` (68) for a moment of sending outside the profile's window."""
    window = case.profile.inquiry.de7_window_seconds
    if window and abs(case.received.utc - sent_at).total_seconds() > window:
        raise Declined(Outcome.STALE_REQUEST, "DE007 is too far from now")


def require_timely(sent_at: datetime, case: Case) -> None:
    """Raise ``Declined`` (91) for a request that took its whole time to come in, (68) for old."""
    if case.received.monotonic > case.deadline:
        raise Declined(Outcome.LEDGER_UNAVAILABLE, "its last byte came behind its deadline")
    require_recent(sent_at, case)
