"""What leaves on a line with MACs is what the journal says, also where no MAC can be made."""

import pytest

from atm_switch.domain.errors import NeighbourUnavailable
from atm_switch.domain.outcome import Outcome
from atm_switch.messages.authentication import received_mac
from atm_switch.switch.hsm_port import MakeMac
from atm_switch.switch.ports import Commit
from tests.doubles.signed_line import ask_signed, signed_payload, signing_bench

PROFILES = ("bpjstk-jht-v1", "bpjstk-jht-v1-bcd", "bpjstk-jht-v1-ebcdic")


@pytest.mark.parametrize("profile", PROFILES)
def test_unsigned_answer_is_a_decline_in_the_journal_too(profile: str) -> None:
    """If no MAC can be made, 91 leaves and 91 is the row; asked again, it is the stored one."""
    bench = signing_bench(profile)
    bench.memory.faults[MakeMac] = NeighbourUnavailable("away")
    (unsigned,) = bench.feed(signed_payload(bench, bench.inquiry()))
    del bench.memory.faults[MakeMac]
    ending = bench.memory.rows[-1].ending

    again = ask_signed(bench, bench.inquiry())

    assert "91" == unsigned[39]
    assert received_mac(unsigned) is None
    assert ("91", Outcome.LEDGER_UNAVAILABLE) == (ending.response_code, ending.outcome)
    assert "could not be authenticated" in ending.reason
    assert "91" == again[39]
    assert 1 == bench.memory.verifications


def test_stored_approval_waits_for_an_hsm_that_is_away() -> None:
    """A repeat that cannot be signed gets 91 and no row; the next one is the approval again."""
    bench = signing_bench()
    first = ask_signed(bench, bench.inquiry())
    rows = len(bench.memory.rows)
    bench.memory.faults[MakeMac] = NeighbourUnavailable("away")
    (unsigned,) = bench.feed(signed_payload(bench, bench.inquiry()))
    del bench.memory.faults[MakeMac]

    again = ask_signed(bench, bench.inquiry())

    assert "91" == unsigned[39]
    assert rows == len(bench.memory.rows)
    assert first == again


def test_answer_is_signed_before_its_row_is_written() -> None:
    """No row tells of an approval that may still fail to be made."""
    bench = signing_bench()
    bench.memory.asked.clear()

    ask_signed(bench, bench.inquiry())

    order = [type(one) for one in bench.memory.asked]
    assert [MakeMac, Commit] == [one for one in order if one in (MakeMac, Commit)]
