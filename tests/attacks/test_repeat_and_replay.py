"""Who has recorded a frame and sends it again learns nothing, and spends nobody's tries."""

from dataclasses import replace
from datetime import timedelta

import pytest

from atm_switch.domain.identifiers import AcquirerId
from atm_switch.switch.ports import Commit, FindAccount
from tests.doubles.bench import BUDI, PIN, Bench, bank
from tests.doubles.inquiries import commits, network, repeat_of, signed_on

BRI = AcquirerId("002")
TWO_BANKS = (bank(), replace(bank(), acquirer=BRI, name="BANK LAIN"))
OTHER_PAN = "9990090000000020"
WRONG = "0123456789ABCDEF"


def recorded(bench: Bench) -> bytes:
    """Have the golden inquiry answered; return its frame as a listener has it."""
    frame = bench.dialect.packager.pack(bench.inquiry())
    bench.feed(frame)
    return frame


def test_thousand_replays_are_one_inquiry() -> None:
    """
    A recorded frame sent a thousand times is verified once, is two rows, and gets the same
    bytes each time.
    """
    bench = signed_on()
    frame = recorded(bench)
    rows = len(bench.memory.rows)

    for _ in range(1000):
        bench.feed(frame)

    assert 1 == len({send.payload for send in bench.sent[-1001:]})
    assert (1, rows) == (bench.memory.verifications, len(bench.memory.rows))


def test_replay_on_a_fresh_link_needs_sign_on() -> None:
    """
    On a link of its own, before a sign-on, the recorded frame gets 58 and no balance.
    """
    bench = signed_on()
    frame = recorded(bench)
    bench.open(2)

    (response,) = bench.feed(frame, link=2)

    assert "58" == response[39]
    assert not {48, 54, 63} & response.elements.keys()


def test_replay_through_another_bank_is_refused() -> None:
    """
    Another bank that signs on cannot have the first one's answer, under either name.
    """
    bench = Bench(banks=TWO_BANKS)
    bench.ask(network("001", {32: "009"}))
    recorded(bench)
    bench.open(2)
    bench.ask(network("001", {32: "002"}), link=2)

    own_name = bench.ask(bench.inquiry(), link=2)
    other_name = bench.ask(bench.inquiry({32: "002", 52: WRONG}), link=2)

    assert "31" == own_name[39]
    assert "00" != other_name[39]
    assert not {48, 54, 63} & (own_name.elements.keys() | other_name.elements.keys())


def test_replay_with_another_card_is_refused() -> None:
    """
    Another DE2 under a recorded key gets 94: no answer is handed to another card.
    """
    bench = signed_on()
    recorded(bench)
    bench.link_card(OTHER_PAN, BUDI, PIN)

    response = bench.ask(bench.inquiry({2: OTHER_PAN}))

    assert ("94", OTHER_PAN) == (response[39], response[2])
    assert not {48, 54, 63} & response.elements.keys()


@pytest.mark.parametrize("seconds", [901, 86_399, 86_401, 10 * 86_400])
def test_recorded_stamp_goes_stale(seconds: int) -> None:
    """
    A recorded frame under a new STAN is a new request with an old DE7: 68 after a quarter
    of an hour, and no try.
    """
    bench = signed_on()
    request = bench.inquiry()
    bench.ask(request)
    bench.utc += timedelta(seconds=seconds)

    assert "68" == bench.ask(request.with_element(11, "000777"))[39]
    assert 1 == bench.memory.verifications


def test_replay_after_the_tries_are_gone() -> None:
    """
    With all tries used the recorded frame still gets only what it got before, and gives
    no try back.
    """
    bench = signed_on()
    frame = recorded(bench)
    for stan in range(4):
        bench.ask(bench.inquiry({11: f"00100{stan}", 52: WRONG}))

    bench.feed(frame)

    assert "75" == bench.ask(bench.inquiry({11: "002000"}))[39]
    assert [3] == list(bench.memory.tries.values())


def test_fifty_links_at_once_are_one_inquiry() -> None:
    """
    Fifty links that send one request while it runs get one answer's bytes from one look.
    """
    bench = signed_on()
    for link in range(2, 51):
        bench.open(link)
        bench.sign_on(link)
    frame = bench.dialect.packager.pack(bench.inquiry())
    bench.holds = (FindAccount,)
    before = len(bench.sent)

    for link in range(1, 51):
        assert [] == bench.feed(frame, link)
    bench.release()

    answers = bench.sent[before:]
    assert list(range(1, 51)) == sorted(send.link for send in answers)
    assert 1 == len({send.payload for send in answers}) == bench.memory.verifications
    assert 1 == len(commits(bench))


def test_guess_hidden_in_a_repeat_is_not_verified() -> None:
    """
    Other PIN blocks under a declined key tell nothing: the stored 55 comes back for the
    right PIN and for wrong ones, verified once.
    """
    bench = signed_on()
    bench.ask(bench.inquiry({52: WRONG}))

    codes = {
        bench.ask(repeat_of(bench.inquiry({52: bench.pin_block(f"{pin:06d}")})))[39]
        for pin in (*range(20), int(PIN))
    }

    assert {"55"} == codes
    assert (1, [1]) == (bench.memory.verifications, list(bench.memory.tries.values()))


def test_altered_request_under_way_does_not_shut_out_the_true_repeat() -> None:
    """
    While another content under the same key is being refused, the repeat of the first gets
    the stored answer, not 94.
    """
    bench = signed_on()
    frame = recorded(bench)
    stored = bench.sent[-1].payload
    altered = bench.inquiry().with_element(22, "021")
    bench.holds = (Commit,)
    assert [] == bench.feed(bench.dialect.packager.pack(altered))

    bench.feed(frame)

    assert stored == bench.sent[-1].payload
    before = len(bench.sent)
    bench.release()
    (refusal,) = bench.sent[before:]
    assert "94" == bench.dialect.packager.unpack(refusal.payload)[39]
    assert {} == bench.house.flights
