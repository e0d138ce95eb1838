"""What leaves on a line with MACs is what the journal says, also where no MAC can be made."""

from dataclasses import replace

import pytest

from atm_switch.domain.errors import NeighbourUnavailable
from atm_switch.domain.outcome import Outcome
from atm_switch.messages.authentication import received_mac
from atm_switch.switch.balance_inquiry import place_of
from atm_switch.switch.hsm_port import MakeMac
from atm_switch.switch.ports import Commit, FindRepeat
from tests.doubles.bench import PAN, Bench
from tests.doubles.inquiries import commits, signed_on
from tests.doubles.signed_line import ask_signed, is_signed, signed_payload, signing_bench

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


def narrow(bench: Bench, longest: int) -> Bench:
    """Have its lines take no longer payload."""
    profile = bench.dialect.profile
    narrowed = replace(profile, framing=replace(profile.framing, payload_bytes_max=longest))
    object.__setattr__(bench.dialect, "profile", narrowed)
    return bench


def test_answer_that_does_not_fit_its_frame_is_96_and_kept() -> None:
    """An approval that cannot leave is none, on the line and in the row, and to a repeat."""
    whole = signed_on()
    whole.ask(whole.inquiry())
    bench = narrow(signed_on(), len(whole.sent[-1].payload) - 1)

    first, again = bench.ask(bench.inquiry()), bench.ask(bench.inquiry())

    assert "96" == first[39] == again[39]
    assert not {48, 54, 63} & first.elements.keys()
    (row,) = commits(bench)
    assert (Outcome.INTERNAL_ERROR, "96") == (row.ending.outcome, row.ending.response_code)
    assert PAN.encode() not in (row.ending.payload or PAN.encode())


@pytest.mark.parametrize("longest", [140, 400])
def test_what_is_said_instead_of_a_long_answer_is_signed(longest: int) -> None:
    """On a line with MACs no word of ours goes without one, the shortest neither."""
    bench = narrow(signing_bench(), longest)

    (answer,) = bench.feed(signed_payload(bench, bench.inquiry()))

    assert "96" == answer[39]
    assert is_signed(bench, bench.sent[-1].payload)


def test_decline_that_does_not_fit_either_is_said_in_the_fewest_elements() -> None:
    """The terminal hears 96 for its own STAN, whatever the line's frames hold."""
    bench = narrow(signed_on(), 120)

    answer = bench.ask(bench.inquiry())

    assert ("96", "000123") == (answer[39], answer[11])
    assert {3, 7, 11, 37, 39, 41} == set(answer.elements)


def test_other_content_that_was_joined_is_94_to_both() -> None:
    """A key that is another's, asked for twice at once: neither hears anything of its answer."""
    bench = signed_on()
    bench.open(2)
    bench.sign_on(2)
    bench.ask(bench.inquiry())
    before, other = len(bench.sent), bench.dialect.packager.pack(bench.inquiry({22: "021"}))
    bench.holds = (FindRepeat,)
    bench.feed(other)
    bench.feed(other, 2)

    bench.release()

    told = [bench.dialect.packager.unpack(one.payload) for one in bench.sent[before:]]
    assert [(1, "94"), (2, "94")] == [
        (one.link, answer[39]) for one, answer in zip(bench.sent[before:], told, strict=True)
    ]
    assert {} == bench.house.flights
    assert "00" == bench.ask(bench.inquiry())[39]


def test_mistake_without_a_place_is_named_by_its_kind() -> None:
    """One that was never raised has none; its text, which may quote anything, is not said."""
    assert "ValueError" == place_of(ValueError(PAN))
