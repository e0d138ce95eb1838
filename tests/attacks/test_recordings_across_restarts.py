"""A recording of a command that was carried out is played after the switch began anew."""

import pytest

from atm_switch.domain.errors import NeighbourUnavailable
from atm_switch.domain.secret import Key
from atm_switch.security.key_ring import FADING_MAX, PAST_MAX, Ladder, LineKey
from atm_switch.security.tdes import with_odd_parity
from atm_switch.switch.accepted import Accepted
from atm_switch.switch.hsm_port import ImportKey
from atm_switch.switch.ports import KeepCommand
from atm_switch.wire.message import IsoMessage
from tests.doubles.bench import BNI, Bench
from tests.doubles.key_line import MAC_NAME, NEW, NEWER, PIN_NAME, delivery
from tests.doubles.signed_line import ask_signed, signed_payload, signing_bench

ASK = IsoMessage("0800", {7: "0630072507", 11: "000778", 48: "PIN", 70: "161"})
CUT = IsoMessage("0800", {7: "0630072507", 11: "000779", 15: "0702", 70: "201"})
CUT_AGAIN = CUT.with_element(11, "000780")
CUT_LATER = IsoMessage("0800", {7: "0630072507", 11: "000781", 15: "0703", 70: "201"})


def restart(bench: Bench) -> None:
    """Forget what only memory held; recall what was made durable, as a start does."""
    bench.house.vault = bench.memory.vault
    bench.house.accepted = Accepted()
    for command in bench.memory.commands:
        left = (command.until - bench.utc).total_seconds()
        until = bench.monotonic + left
        bench.house.accepted.recall(command.acquirer, command.identity, until)


def test_request_of_keys_counts_once_across_a_restart() -> None:
    """A 161 that was carried out before is 94 after, and no key is made."""
    bench = signing_bench()
    recorded = signed_payload(bench, ASK)
    bench.feed(recorded)
    ladder = bench.house.vault.keys[PIN_NAME]

    restart(bench)

    assert ["94"] == [answer[39] for answer in bench.feed(recorded)]
    assert ladder is bench.house.vault.keys[PIN_NAME]


def test_cut_over_counts_once_across_a_restart() -> None:
    """A recorded 201 takes no date back, whether it moved one or only said it again."""
    for played in (CUT, CUT_AGAIN):
        bench = signing_bench()
        for one in (CUT, CUT_AGAIN, CUT_LATER):
            ask_signed(bench, one)
        date = bench.house.business_dates[BNI]

        restart(bench)

        assert "94" == ask_signed(bench, played)[39]
        assert date == bench.house.business_dates[BNI]


def test_delivery_said_again_after_a_restart_is_heard() -> None:
    """A peer that did not hear the answer gets 00 for the key that is in use, and no other."""
    bench = signing_bench()
    first = signed_payload(bench, delivery(bench, NEW, "P0"))
    bench.feed(first)
    restart(bench)
    again = bench.feed(first)[0][39]
    newer = ask_signed(bench, delivery(bench, NEWER, "P0"))[39]
    restart(bench)

    replay = bench.feed(first)[0][39]

    assert ("00", "00") == (again, newer)
    assert "00" != replay


def test_key_that_left_long_ago_is_not_brought_back() -> None:
    """So many changes later that the ladder has forgotten the key, its delivery is 94 still."""
    bench = signing_bench()
    first = signed_payload(bench, delivery(bench, NEW, "P0"))
    bench.feed(first)
    for at in range(PAST_MAX + FADING_MAX + 3):
        key = with_odd_parity(Key(bytes(range(64 + at, 80 + at))))
        bench.pass_time(11)  # a burst of them would be held back
        assert "00" == ask_signed(bench, delivery(bench, key, "P0"))[39]
    ladder = bench.house.vault.keys[PIN_NAME]

    restart(bench)

    assert not ladder.has_replaced(LineKey.clear(NEW))
    assert "94" == bench.feed(first)[0][39]
    assert ladder is bench.house.vault.keys[PIN_NAME]


def test_hindered_delivery_counts_no_more_after_a_restart() -> None:
    """What the HSM hindered was answered 96; its recording brings its key to nobody."""
    bench = signing_bench()
    recorded = signed_payload(bench, delivery(bench, NEW))
    bench.memory.faults[ImportKey] = NeighbourUnavailable("away")
    hindered = bench.feed(recorded)[0][39]
    bench.memory.faults.clear()
    bench.feed(signed_payload(bench, delivery(bench, NEWER)))
    ladder = bench.house.vault.keys[MAC_NAME]

    restart(bench)

    assert "96" == hindered
    assert "94" == bench.feed(recorded)[0][39]
    assert ladder is bench.house.vault.keys[MAC_NAME]


@pytest.mark.parametrize("command", [ASK, CUT])
def test_command_that_cannot_be_remembered_is_not_carried_out(command: IsoMessage) -> None:
    """Where the journal is away nothing moves, and the same command may come again."""
    bench = signing_bench()
    state = (bench.house.vault, dict(bench.house.business_dates))
    bench.memory.faults[KeepCommand] = NeighbourUnavailable("away")
    answers = bench.feed(signed_payload(bench, command))
    after = (bench.house.vault, dict(bench.house.business_dates))
    bench.memory.faults.clear()

    again = bench.feed(signed_payload(bench, command))[0][39]

    assert ["96"] == [answer[39] for answer in answers]
    assert state == after
    assert "00" == again


def test_refused_command_is_not_kept() -> None:
    """Only what is carried out is remembered, so nobody fills the journal with refusals."""
    bench = signing_bench()
    bad = delivery(bench, NEW, check="FFFFFF")

    refused = ask_signed(bench, bad)[39]

    assert "30" == refused
    assert [] == bench.memory.commands


def test_delivery_that_was_refused_stays_refused() -> None:
    """What was refused for what the switch held then does not come in once that has changed."""
    bench = signing_bench()
    recorded = signed_payload(bench, delivery(bench, NEW))
    whole = bench.house.vault
    bench.house.vault = whole.with_ladder(PIN_NAME, Ladder(LineKey.clear(NEW)))
    refused = bench.feed(recorded)[0][39]
    bench.house.vault = whole

    again = bench.feed(recorded)[0][39]

    assert ["30", "94"] == [refused, again]
    assert whole is bench.house.vault
