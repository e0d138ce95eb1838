"""PIN policy ``issuer``: three tries, reserved before the look.  ``acquirer``: not our PIN."""

from typing import Any

import pytest

from atm_switch.domain.outcome import Outcome
from atm_switch.domain.secret import PinBlock
from atm_switch.switch.hsm_port import VerifyPin
from atm_switch.switch.policy import PinPolicy
from atm_switch.switch.ports import FindRepeat, Reserve
from tests.doubles.bench import BUDI, PAN, PIN, Bench, bank
from tests.doubles.inquiries import asked_kinds, commits, reservations, signed_on

ACQUIRER = (bank(pin=PinPolicy.ACQUIRER),)


def guess(bench: Bench, stan: int, pin: str) -> str:
    """Ask with a PIN under a STAN of its own; return DE39."""
    block = bench.pin_block(pin)
    return bench.ask(bench.inquiry({11: f"{stan:06d}", 52: block}))[39]


def block_under_way(bench: Bench) -> PinBlock:
    """Look into the one corridor that waits and return the PIN block it holds."""
    (waiting,) = bench.switch._open.values()
    steps: Any = waiting.steps
    while "inquiry" not in steps.gi_frame.f_locals:
        steps = steps.gi_yieldfrom
    block = steps.gi_frame.f_locals["inquiry"].pin_block
    assert isinstance(block, PinBlock)
    return block


def test_three_wrong_pins_then_none_counts() -> None:
    """
    Three wrong PINs get 55, then even the right one gets 75 and is not looked at.
    """
    bench = signed_on()

    wrong = [guess(bench, stan, "999999") for stan in range(3)]
    late = [guess(bench, 10, PIN), guess(bench, 11, "999999")]

    assert ["55", "55", "55"] == wrong
    assert ["75", "75"] == late
    assert 3 == bench.memory.verifications
    assert [3] == list(bench.memory.tries.values())


def test_right_pin_clears_the_tries() -> None:
    """
    Two wrong PINs and a right one leave all three tries for the next time.
    """
    bench = signed_on()

    codes = [guess(bench, stan, pin) for stan, pin in enumerate(["999999", "999999", PIN])]
    again = [guess(bench, stan, "999999") for stan in range(10, 14)]

    assert ["55", "55", "00"] == codes
    assert ["55", "55", "55", "75"] == again


def test_last_try_may_be_the_right_one() -> None:
    """
    The third try is a try: with the right PIN it gets the balance.
    """
    bench = signed_on()

    assert ["55", "55", "00"] == [
        guess(bench, 0, "111111"), guess(bench, 1, "222222"), guess(bench, 2, PIN)
    ]  # fmt: skip


def test_tries_are_counted_per_card() -> None:
    """
    One card's wrong PINs cost no other card a try.
    """
    bench = signed_on()
    other = "9990090000000020"
    bench.link_card(other, BUDI, "654321")
    for stan in range(4):
        guess(bench, stan, "999999")

    block = bench.pin_block("654321", other)
    response = bench.ask(bench.inquiry({2: other, 11: "000050", 52: block}))

    assert "00" == response[39]


def test_try_is_reserved_before_the_look() -> None:
    """
    Row A with the try counted is durable before the PIN is verified: held back, nothing
    is looked at.
    """
    bench = signed_on()
    bench.holds = (Reserve,)

    bench.feed(bench.dialect.packager.pack(bench.inquiry()))

    assert 0 == bench.memory.verifications

    bench.release()

    kinds = asked_kinds(bench)
    assert kinds.index("Reserve") < kinds.index("VerifyPin") < kinds.index("Commit")
    assert [1] == [row.sequence for row in commits(bench)]


def test_refused_try_is_a_row_too() -> None:
    """
    An inquiry without a try left has its row A and its row B with 75.
    """
    bench = signed_on()
    for stan in range(4):
        guess(bench, stan, "999999")

    assert 4 == len(reservations(bench)) == len(commits(bench))
    assert Outcome.PIN_TRIES_EXCEEDED is commits(bench)[-1].ending.outcome


def test_malformed_block_is_a_wrong_pin() -> None:
    """
    A block that deciphers to nonsense, or belongs to another card, gets the very answer of
    a wrong PIN and costs the same try.
    """
    answers = set()
    for block in ("pin", "nonsense", "other card"):
        bench = signed_on()
        blocks = {
            "pin": bench.pin_block("999999"),
            "nonsense": "0123456789ABCDEF",
            "other card": bench.pin_block(PIN, "9990090000000020"),
        }
        bench.ask(bench.inquiry({52: blocks[block]}))
        answers.add((bench.sent[-1].payload, tuple(bench.memory.tries.values())))

    assert 1 == len(answers)


def test_missing_block_costs_no_try() -> None:
    """
    Under ``issuer`` an inquiry without DE52 gets 30 with DE052; no try, no row A, no look
    at the card.
    """
    bench = signed_on()

    response = bench.ask(bench.inquiry({52: None}))

    assert ("30", "DE052") == (response[39], response[44])
    assert ({}, []) == (bench.memory.tries, reservations(bench))
    assert ["Commit"] == asked_kinds(bench)


def test_card_without_value_is_not_permitted() -> None:
    """
    A card whose PIN nobody here can verify gets 57 and loses no try.
    """
    bench = signed_on()
    bench.link_card(PAN, BUDI, PIN, pvv="", pvki="")

    assert "57" == bench.ask(bench.inquiry())[39]
    assert {} == bench.memory.tries


@pytest.mark.parametrize("block", [None, "0123456789ABCDEF", "0000000000000000"])
def test_acquirer_policy_never_reads_the_block(block: str | None) -> None:
    """
    Under ``acquirer`` DE52 may be there or not: no try, no verification, row B only.
    """
    bench = signed_on(banks=ACQUIRER)

    response = bench.ask(bench.inquiry({52: block}))

    assert "00" == response[39]
    assert (0, {}, []) == (bench.memory.verifications, bench.memory.tries, reservations(bench))
    assert [None] == [row.sequence for row in commits(bench)]


def test_acquirer_policy_needs_no_value() -> None:
    """
    Under ``acquirer`` a card without PVV is as good as any.
    """
    bench = signed_on(banks=ACQUIRER)
    bench.link_card(PAN, BUDI, PIN, pvv="", pvki="")

    assert "00" == bench.ask(bench.inquiry())[39]


def test_verified_block_is_wiped_after_use() -> None:
    """
    The block handed to the verifier holds zeros once the answer is out.
    """
    bench = signed_on()

    bench.ask(bench.inquiry())

    (question,) = (q for q in bench.memory.asked if isinstance(q, VerifyPin))
    assert bytes(8) == question.block.reveal()


@pytest.mark.parametrize("policy", list(PinPolicy))
@pytest.mark.parametrize("is_linked", [True, False])
def test_block_is_wiped_whatever_happens(policy: PinPolicy, *, is_linked: bool) -> None:
    """
    Even where a door before the PIN says no the block's buffer is zeros afterwards; under
    ``acquirer`` it is so before anybody is asked anything.
    """
    bench = signed_on(banks=(bank(pin=policy),))
    if not is_linked:
        bench.memory.cards.clear()
    bench.holds = (FindRepeat,)

    bench.feed(bench.dialect.packager.pack(bench.inquiry()))
    block = block_under_way(bench)
    early = block.reveal()
    bench.release()

    assert (policy is PinPolicy.ACQUIRER) == (early == bytes(8))
    assert bytes(8) == block.reveal()
