"""What a refusal leaves behind: its record in the audit, its line in the log, its reason."""

from dataclasses import replace
from typing import Any

import pytest

from atm_switch.domain.identifiers import AcquirerId, TerminalId
from atm_switch.domain.outcome import Outcome
from atm_switch.domain.secret import Key
from atm_switch.security.key_ring import KeyName, KeyUsage, LineKey
from atm_switch.switch.effects import Note
from atm_switch.switch.policy import MacPolicy
from atm_switch.switch.ports import AuditRecord
from atm_switch.wire.message import IsoMessage
from tests.doubles.bench import BNI, Bench, bank
from tests.doubles.signed_line import ask_signed, signed_payload, signing_bench

STRANGERS_KEY = Key.from_hex("5CA64B3C22BEC347CA7E6609904BAAED")
PEER = "127.0.0.1:4001"
STRICT = bank(mac=MacPolicy.REQUIRED)
OTHER = AcquirerId("014")
CUT_OVER = IsoMessage("0800", {7: "0630072507", 11: "000009", 41: "S1ABC123", 70: "201"})


def packed(bench: Bench, message: IsoMessage) -> bytes:
    """Write a message as the bench's dialect does."""
    return bytes(bench.dialect.packager.pack(message))


def refused(bench: Bench, payload: bytes, code: str = "63") -> AuditRecord:
    """Have a payload refused; return the one record of it."""
    bench.memory.records.clear()
    (answer,) = bench.feed(payload)
    assert code == answer[39]
    (record,) = bench.memory.records
    return record


def test_record_of_a_refused_mac_says_whose_and_why() -> None:
    """By DE32, else by who signed on; with the peer and how many there were."""
    bench = signing_bench()
    missing, wrong = packed(bench, bench.inquiry()), signed_payload(
        bench, bench.inquiry({32: None}), STRANGERS_KEY
    )  # fmt: skip

    first, second = refused(bench, missing), refused(bench, wrong)

    assert first == AuditRecord(
        "mac refused", PEER, "acquirer 009",
        "the MAC is missing, doubled or misplaced; 1 within a minute",
    )  # fmt: skip
    assert second == AuditRecord(
        "mac refused", PEER, "acquirer 009", "the MAC is wrong; 2 within a minute"
    )


@pytest.mark.parametrize(
    ("named", "subject", "reason"),
    [
        ("014", "acquirer 014", "there is no MAC key of acquirer 014"),
        ("022", "acquirer 022", "DE032 is not an acquirer known here"),
    ],
)
def test_record_of_a_bank_without_a_key(named: str, subject: str, reason: str) -> None:
    """The answer is 63 all the same; only the operator learns which it was."""
    bench = Bench(banks=(STRICT, replace(STRICT, acquirer=OTHER)))

    record = refused(bench, packed(bench, bench.inquiry({32: named})))

    assert (subject, f"{reason}; 1 within a minute") == (record.subject, record.detail)


def test_message_of_no_bank_is_asked_for_its_name() -> None:
    """Where banks differ and none is named: 30 with DE032, which is no refusal of a MAC."""
    bench = Bench(banks=(STRICT, replace(STRICT, acquirer=OTHER)))

    (answer,) = bench.feed(packed(bench, bench.inquiry({32: None})))

    assert ("30", "DE032") == (answer[39], answer[44])
    assert "DE032 is needed to tell the acquirers apart" == last(bench).fields["reason"]
    assert [] == bench.memory.records


def test_key_of_one_terminal_does_not_speak_for_its_bank() -> None:
    """A cut-over moves the day of all its terminals: only the bank's own key signs it."""
    bench = signing_bench()
    own = Key(bytes(range(40, 56)))
    name = KeyName(KeyUsage.MAC, BNI, TerminalId("S1ABC123"))
    bench.house.vault = bench.house.vault.with_key(name, LineKey.clear(own))
    echo = IsoMessage("0800", {**CUT_OVER.elements, 70: "301"})
    before = dict(bench.house.business_dates)

    by_terminal = refused(bench, signed_payload(bench, CUT_OVER, own))
    unmoved = dict(bench.house.business_dates)

    assert "the MAC is wrong" in by_terminal.detail
    assert before == unmoved
    assert "00" == ask_signed(bench, echo, own)[39]
    assert "00" == ask_signed(bench, CUT_OVER)[39]
    assert before != bench.house.business_dates
    # In an inquiry DE70 moves nothing, whatever stands there: the terminal's key is right.
    assert "00" == ask_signed(bench, bench.inquiry(), own)[39]


def last(bench: Bench) -> Note:
    """The last line of the log."""
    return bench.notes[-1]


def test_torn_mac_and_cut_message_are_noted_with_their_place() -> None:
    """What was cut, where and of which message: what an operator needs to find it."""
    bench = signing_bench()
    whole = signed_payload(bench, bench.inquiry())

    (answer,) = bench.feed(whole[:-3])
    note = last(bench)

    assert "63" == answer[39]
    assert "unreadable message" == note.event
    assert ("0200", "DE064", PEER) == tuple(
        note.fields[name] for name in ("mti", "element", "peer")
    )


def test_unknown_kind_is_noted_with_its_answer() -> None:
    """The line says what was answered, and stands where the others do."""
    bench = Bench()

    (answer,) = bench.feed(b"0100" + packed(bench, bench.inquiry())[4:])

    told: dict[str, Any] = dict(last(bench).fields)
    assert ("12", "0100", Outcome.UNSUPPORTED_TRANSACTION.value) == (
        answer[39], told["mti"], told["outcome"],
    )  # fmt: skip
    assert "12" == told["de39"]


@pytest.mark.parametrize(
    ("stamp", "code", "reason"),
    [("0630071006", "68", "DE007 is too far from now"), ("0230071006", "30", "")],
)
def test_stale_and_impossible_moments_are_told_apart(stamp: str, code: str, reason: str) -> None:
    """A cut-over of another hour is 68; one of no day there is, is 30 with its element."""
    bench = signing_bench()
    message = IsoMessage("0800", {7: stamp, 11: "000002", 70: "201"})

    answer = ask_signed(bench, message)

    assert code == answer[39]
    if code == "68":
        assert reason == last(bench).fields["reason"]
    else:
        assert "DE007" == answer[44]
        assert last(bench).fields["reason"] not in ("", "None")
