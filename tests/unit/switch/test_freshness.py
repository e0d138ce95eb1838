"""Claims about DE7 as the mark of now."""

import pytest

from atm_switch.domain.errors import Declined
from atm_switch.domain.outcome import Outcome
from atm_switch.switch.case import Case
from atm_switch.switch.freshness import require_fresh
from atm_switch.switch.session import Session
from atm_switch.wire.message import IsoMessage
from tests.doubles.bench import Bench


def case_of(stamp: str, profile: str = "bpjstk-jht-v1") -> Case:
    """A network message sent at ``stamp``, received on the bench's day."""
    bench = Bench(profile)
    session = Session(1, "127.0.0.1:4001", bench.dialect, None, 0.0)
    rule = bench.dialect.profile.messages["network"]
    message = IsoMessage("0800", {7: stamp, 11: "000001", 70: "162"})
    return Case(message, b"", rule, session, bench.now, bench.now)


@pytest.mark.parametrize("stamp", ["0630072507", "0630071007", "0630074007"])
def test_message_of_now_passes(stamp: str) -> None:
    """Fifteen minutes either way are now."""
    require_fresh(case_of(stamp))


@pytest.mark.parametrize("stamp", ["0630071006", "0630074008", "0101000000", "0629072507"])
def test_message_of_another_time_is_stale(stamp: str) -> None:
    """A second more is 68."""
    with pytest.raises(Declined) as caught:
        require_fresh(case_of(stamp))

    assert Outcome.STALE_REQUEST is caught.value.outcome


def test_moment_that_is_none_is_30() -> None:
    """A day of no calendar is a format error of DE7."""
    with pytest.raises(Declined) as caught:
        require_fresh(case_of("0231250000"))

    assert (Outcome.FORMAT_ERROR, 7) == (caught.value.outcome, caught.value.data_element)


def test_profile_may_switch_it_off() -> None:
    """With a window of 0 every moment passes, as with the golden vectors."""
    require_fresh(case_of("0101000000", "bpjstk-jht-v1-golden"))
