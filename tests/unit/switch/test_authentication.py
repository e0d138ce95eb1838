"""Claims about the MAC: judged first, never "if present", and under every answer."""

from dataclasses import replace
from typing import cast

import pytest

from atm_switch.domain.errors import NeighbourUnavailable
from atm_switch.domain.outcome import Outcome
from atm_switch.domain.secret import Key
from atm_switch.switch.authentication import signed
from atm_switch.switch.case import Case, Response
from atm_switch.switch.hsm_port import CheckMac, MakeMac, VerifyPin
from atm_switch.switch.policy import MacPolicy
from atm_switch.switch.ports import Commit, FindCard, Reserve
from atm_switch.wire.message import IsoMessage
from tests.doubles.bench import Bench, bank
from tests.doubles.signed_line import (
    SIGN_ON,
    ask_signed,
    is_signed,
    signed_payload,
    signing_bench,
)

ECHO = IsoMessage("0800", {7: "0630072507", 11: "000009", 70: "301"})
STRANGERS_KEY = Key.from_hex("5CA64B3C22BEC347CA7E6609904BAAED")
PROFILES = ("bpjstk-jht-v1", "bpjstk-jht-v1-bcd", "bpjstk-jht-v1-ebcdic")


def asked_kinds(bench: Bench) -> set[type]:
    """List what the neighbours were asked."""
    return {type(question) for question in bench.memory.asked}


@pytest.mark.parametrize("profile", PROFILES)
def test_signed_inquiry_gets_a_signed_balance(profile: str) -> None:
    """In every dialect a right MAC lets the inquiry through, and the answer carries one."""
    bench = signing_bench(profile)

    assert "00" == ask_signed(bench, bench.inquiry())[39]


@pytest.mark.parametrize("message", [SIGN_ON, ECHO])
def test_network_messages_carry_it_too(message: IsoMessage) -> None:
    """0800 is judged and 0810 signed like any other."""
    bench = Bench(banks=(bank(mac=MacPolicy.REQUIRED),))

    (refused,) = bench.feed(bench.dialect.packager.pack(message))

    assert "63" == refused[39]
    assert is_signed(bench, bench.sent[-1].payload)
    assert "00" == ask_signed(bench, message)[39]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda bench, _good: bench.dialect.packager.pack(bench.inquiry()),
        lambda _bench, good: good[:-1] + (b"0" if good[-1:] != b"0" else b"1"),
        lambda _bench, good: good[:-16] + b"0" * 16,
        lambda bench, _good: signed_payload(bench, bench.inquiry(), STRANGERS_KEY),
        lambda _bench, good: good[:-8],
        lambda _bench, good: good + good[-16:],
    ],
    ids=["missing", "one digit", "zeros", "another key", "truncated", "doubled"],
)
def test_unproven_inquiry_gets_63_and_nothing_else(spoil: object) -> None:
    """No PIN is looked at, no try counted, no ledger asked, no row written."""
    bench = signing_bench()
    payload = spoil(bench, signed_payload(bench, bench.inquiry()))  # type: ignore[operator]
    bench.memory.asked.clear()

    (answer,) = bench.feed(payload)

    assert "63" == answer[39]
    assert asked_kinds(bench) <= {CheckMac, MakeMac}
    assert {} == bench.memory.tries
    assert [] == bench.memory.rows
    assert 48 not in answer
    assert 54 not in answer


def test_both_mac_elements_are_63() -> None:
    """DE64 and DE128 in one message is no MAC, right or wrong."""
    bench = signing_bench()
    both = bench.inquiry({64: "00" * 8, 128: "00" * 8})

    (answer,) = bench.feed(bench.dialect.packager.pack(both))

    assert "63" == answer[39]


def test_63_names_its_check_in_the_log() -> None:
    """The log says which check failed, and the alarm is raised."""
    bench = signing_bench()

    bench.feed(bench.dialect.packager.pack(bench.inquiry()))

    note = bench.notes[-1]
    assert note.is_alarm
    assert Outcome.MAC_WRONG.value == note.fields["outcome"]
    assert "the MAC is missing, doubled or misplaced" == note.fields["reason"]


def test_floods_of_63_are_a_few_records() -> None:
    """Refusals are counted in the audit at 1, 2, 4, 8 of each minute: a flood cannot fill it."""
    bench = signing_bench(bad_frames_per_minute=0)

    for _ in range(20):
        bench.feed(bench.dialect.packager.pack(bench.inquiry()))

    records = [one for one in bench.memory.records if one.kind == "mac refused"]
    assert 5 == len(records)
    bench.pass_time(61)
    bench.feed(bench.dialect.packager.pack(bench.inquiry()))
    assert bench.memory.records[-1].detail.endswith("1 within a minute")
    assert records[-1].detail.endswith("16 within a minute")


def test_63_costs_a_strike() -> None:
    """Whoever keeps sending unproven messages loses the link."""
    bench = signing_bench(bad_frames_per_minute=3)

    for _ in range(3):
        bench.feed(bench.dialect.packager.pack(bench.inquiry()))

    assert ["3 bad frames within a minute"] == [close.reason for close in bench.closed]


def test_63_is_never_a_stored_answer() -> None:
    """The same key with the right MAC is served afterwards: the forger stored nothing."""
    bench = signing_bench()
    bench.feed(signed_payload(bench, bench.inquiry(), STRANGERS_KEY))

    assert "00" == ask_signed(bench, bench.inquiry())[39]


def test_repeat_is_signed_anew() -> None:
    """A repeat gets the stored answer, byte for byte, with a MAC under its own key."""
    bench = signing_bench()
    ask_signed(bench, bench.inquiry())
    first = bench.sent[-1].payload

    ask_signed(bench, bench.inquiry({52: bench.pin_block("999999")}))

    assert first == bench.sent[-1].payload
    assert 1 == bench.memory.verifications


def test_mac_is_judged_before_the_form() -> None:
    """A message that is wrong and unproven is told that it is unproven."""
    bench = signing_bench()
    wrong = bench.inquiry({3: "999999", 48: "NONSENSE"})

    (answer,) = bench.feed(bench.dialect.packager.pack(wrong))

    assert "63" == answer[39]
    assert "12" == ask_signed(bench, wrong)[39]


def test_declines_are_signed_like_approvals() -> None:
    """30, 55 and 58 carry a MAC as 00 does."""
    bench = signing_bench()

    codes = [
        ask_signed(bench, bench.inquiry({11: "000201", 48: "NONSENSE"}))[39],
        ask_signed(bench, bench.inquiry({11: "000202", 52: bench.pin_block("999999")}))[39],
    ]
    bench.open(2)
    codes.append(ask_signed(bench, bench.inquiry({11: "000203"}), link=2)[39])

    assert ["30", "55", "58"] == codes


def test_unreadable_message_gets_a_signed_refusal() -> None:
    """A terminal that requires MACs can believe the 30, too."""
    bench = signing_bench()
    payload = bench.dialect.packager.pack(bench.inquiry())

    (answer,) = bench.feed(payload[:-20])

    assert "30" == answer[39]
    assert is_signed(bench, bench.sent[-1].payload)


def test_joined_request_gets_a_mac_of_its_own() -> None:
    """Two links ask the same at once; both answers are signed."""
    bench = signing_bench()
    bench.open(2)
    ask_signed(bench, SIGN_ON.with_element(11, "000002"), link=2)
    bench.holds = (VerifyPin,)
    bench.feed(signed_payload(bench, bench.inquiry()), 1)
    bench.feed(signed_payload(bench, bench.inquiry()), 2)
    before = len(bench.sent)

    bench.release()

    answers = bench.sent[before:]
    assert {1, 2} == {send.link for send in answers}
    assert all(is_signed(bench, send.payload) for send in answers)


@pytest.mark.parametrize("answer", [True, False, None, "0", 0.0, NeighbourUnavailable("away")])
def test_only_an_index_is_a_yes(answer: object) -> None:
    """Whatever else the HSM may say, the inquiry does not get through."""
    bench = signing_bench()
    bench.memory.asked.clear()
    bench.memory.faults[CheckMac] = answer

    (response,) = bench.feed(signed_payload(bench, bench.inquiry()))

    assert response[39] in ("63", "91")
    assert asked_kinds(bench) <= {CheckMac, MakeMac}


def test_mac_off_ignores_what_is_there() -> None:
    """With the policy off a MAC, right or wrong, changes nothing."""
    bench = Bench()
    bench.sign_on()

    assert "00" == bench.ask(bench.inquiry({64: "00" * 8}))[39]
    assert CheckMac not in asked_kinds(bench)


def test_own_echo_is_signed() -> None:
    """What the switch sends by itself carries a MAC as well."""
    bench = signing_bench()
    before = len(bench.sent)

    bench.pass_time(61)

    (echo,) = bench.sent[before:]
    assert "301" == bench.dialect.packager.unpack(echo.payload)[70]
    assert is_signed(bench, echo.payload)


def test_right_mac_reaches_the_usual_doors() -> None:
    """Behind the MAC the corridor is the one everybody walks."""
    bench = signing_bench()
    bench.memory.asked.clear()

    ask_signed(bench, bench.inquiry())

    assert {FindCard, Reserve, VerifyPin, Commit} <= asked_kinds(bench)


@pytest.mark.parametrize(("code", "answer"), [("001", "68"), ("002", "68"), ("301", "00")])
def test_recorded_sign_on_is_stale(code: str, answer: str) -> None:
    """A signed 0800 of an hour ago changes no session; only an echo is answered."""
    bench = signing_bench()
    bench.pass_time(3600)

    assert answer == ask_signed(bench, IsoMessage("0800", {**SIGN_ON.elements, 70: code}))[39]


def test_answer_too_long_with_its_mac_is_declined() -> None:
    """Where the MAC does not fit the frame any more, a short decline goes out instead."""
    probe = signing_bench()
    ask_signed(probe, probe.inquiry())
    whole = len(probe.sent[-1].payload)
    bench = signing_bench()
    profile = bench.dialect.profile
    narrow = replace(profile, framing=replace(profile.framing, payload_bytes_max=whole - 1))
    object.__setattr__(bench.dialect, "profile", narrow)

    (answer,) = bench.feed(signed_payload(bench, bench.inquiry()))

    assert "91" == answer[39]
    assert len(bench.sent[-1].payload) < whole


def test_what_is_signed_stays_as_it_is() -> None:
    """A response that carries its MAC asks nobody for another, nor is it packed anew."""
    message = IsoMessage("0210", {39: "00"})
    response = Response(message, Outcome.APPROVED).packed_as(b"as it is", is_signed=True)
    nobody = cast("Case", None)

    with pytest.raises(StopIteration) as done:
        next(iter(signed(nobody, response)))

    assert response is done.value.value
