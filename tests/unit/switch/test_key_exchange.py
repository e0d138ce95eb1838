"""Claims about keys that change over the line: durable before 00, and never a split."""

from datetime import timedelta

import pytest

from atm_switch.domain.card import Pan
from atm_switch.domain.errors import JournalUnavailable
from atm_switch.domain.identifiers import TerminalId
from atm_switch.domain.secret import Key, Pin
from atm_switch.security.components import key_check_value
from atm_switch.security.key_ring import TDES, KeyName, KeyUsage
from atm_switch.security.pin_block import encipher
from atm_switch.switch.hsm_port import ImportKey
from atm_switch.switch.ports import KeepKeys, KeepRecord
from atm_switch.wire.message import IsoMessage
from tests.doubles.bench import BNI, PAN, PIN
from tests.doubles.key_line import (
    EXCHANGE_NAME,
    MAC_NAME,
    NEW,
    NEWER,
    OVERLAP,
    PIN_NAME,
    ask_for_keys,
    block_of,
    delivery,
    inquiry,
    kinds,
)
from tests.doubles.signed_line import ask_signed, signed_payload, signing_bench


def test_delivered_key_is_durable_before_00() -> None:
    """The record first, then the key on disk, then 00 under the old key."""
    bench = signing_bench()

    answer = ask_signed(bench, delivery(bench))

    assert "00" == answer[39]
    assert ["KeepKeys"] == kinds(bench)
    (record,) = bench.memory.records
    assert ("key change", "mac 009") == (record.kind, record.subject)
    assert key_check_value(NEW, TDES) in record.detail
    assert NEW.reveal() == bench.memory.vault.keys[MAC_NAME].in_use.token.reveal()


@pytest.mark.parametrize("code", ["162", "101"])
def test_both_codes_of_the_profile_deliver(code: str) -> None:
    """162 and 101 carry a key alike."""
    bench = signing_bench()
    message = IsoMessage("0800", {**delivery(bench).elements, 70: code})

    assert "00" == ask_signed(bench, message)[39]


def test_old_and_new_key_are_good_in_the_overlap() -> None:
    """In-flight messages under the old key pass until the overlap is over."""
    bench = signing_bench()
    ask_signed(bench, delivery(bench))

    assert "00" == ask_signed(bench, inquiry(bench, 1))[39]
    assert "00" == ask_signed(bench, inquiry(bench, 2), NEW)[39]
    assert "00" == ask_signed(bench, inquiry(bench, 3))[39]
    bench.pass_time(OVERLAP)
    (late,) = bench.feed(signed_payload(bench, inquiry(bench, 4)))
    assert "63" == late[39]
    assert "00" == ask_signed(bench, inquiry(bench, 5), NEW)[39]


def test_overlap_begins_with_the_first_use() -> None:
    """A peer that never heard the 00 may use the old key as long as it likes."""
    bench = signing_bench()
    ask_signed(bench, delivery(bench))

    bench.pass_time(100 * OVERLAP)

    assert "00" == ask_signed(bench, inquiry(bench, 1))[39]


def test_end_of_the_old_key_is_kept_on_disk() -> None:
    """After the first use a restart knows until when the old key is good."""
    bench = signing_bench()
    ask_signed(bench, delivery(bench))

    ask_signed(bench, inquiry(bench, 1), NEW)

    kept = bench.memory.vault.keys[MAC_NAME]
    assert bench.utc + timedelta(seconds=OVERLAP) == kept.until


def test_new_pin_key_is_taken_for_new_blocks() -> None:
    """Blocks under the new and under the old PIN key verify; each costs one verification."""
    bench = signing_bench()
    new_block = encipher(_pin(), _pan(), NEW)
    ask_signed(bench, delivery(bench, NEW, "P0"))

    assert "00" == ask_signed(bench, inquiry(bench, 1))[39]
    assert "00" == ask_signed(bench, inquiry(bench, 2, new_block))[39]
    assert 2 == bench.memory.verifications
    bench.pass_time(OVERLAP)
    assert "55" == ask_signed(bench, inquiry(bench, 3))[39]


def test_same_delivery_twice_is_one_change() -> None:
    """A delivery sent again, its answer lost, gets 00 and leaves both keys good."""
    bench = signing_bench()
    ask_signed(bench, delivery(bench))

    assert "00" == ask_signed(bench, delivery(bench))[39]
    assert "00" == ask_signed(bench, inquiry(bench, 1))[39]
    assert "00" == ask_signed(bench, inquiry(bench, 2), NEW)[39]


def test_second_key_unused_keeps_the_common_one() -> None:
    """Two deliveries without an answer heard: the key both knew before is still good."""
    bench = signing_bench()
    ask_signed(bench, delivery(bench, NEW))
    ask_signed(bench, delivery(bench, NEWER))

    assert "00" == ask_signed(bench, inquiry(bench, 1))[39]
    assert "00" == ask_signed(bench, inquiry(bench, 2), NEWER)[39]


def test_terminals_key_goes_to_the_terminal() -> None:
    """DE41 in the delivery makes it that terminal's own key."""
    bench = signing_bench()
    message = IsoMessage("0800", {**delivery(bench).elements, 41: "S1ABC124"})
    ask_signed(bench, IsoMessage("0800", dict(sorted(message.elements.items()))))

    name = KeyName(KeyUsage.MAC, BNI, TerminalId("S1ABC124"))
    assert NEW.reveal() == bench.house.vault.keys[name].in_use.token.reveal()
    assert bench.mac_key.reveal() == bench.house.vault.keys[MAC_NAME].in_use.token.reveal()


def test_made_up_terminals_fill_no_key_file() -> None:
    """A DE41 nobody listed, and without keys of its own, gets 58 and no key."""
    bench = signing_bench()
    named = {41: "MADEUP01", **delivery(bench).elements}

    answers = [
        ask_signed(bench, IsoMessage("0800", dict(sorted(named.items())))),
        ask_signed(
            bench, IsoMessage("0800", {7: named[7], 11: "000401", 41: "MADEUP01", 70: "161"})
        ),
    ]

    assert ["58", "58"] == [one[39] for one in answers]
    assert [] == kinds(bench)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda b: delivery(b, check="ABCDEF")[48], "check value"),
        (lambda b: delivery(b)[48][:-1] + "!", "malformed"),
        (lambda b: delivery(b)[48][:-4] + "0000", "not authentic"),
        (lambda b: key_check_value(NEW, TDES) + block_of(b, NEW, "D0", "B"), "not one of a line"),
        (lambda b: key_check_value(NEW, TDES) + block_of(b, NEW, "M3", "B"), "mode of use"),
        (lambda b: key_check_value(b.pin_key, TDES) + block_of(b, b.pin_key), "another purpose"),
        (lambda _b: "NOTHING", "not one of a line"),
    ],
)
def test_refused_key_leaves_the_old_one(spoil: object, reason: str) -> None:
    """A key that cannot be taken gets 30, a record, and changes nothing."""
    bench = signing_bench()
    text: str = spoil(bench)  # type: ignore[operator]
    message = IsoMessage("0800", {**delivery(bench).elements, 48: text})

    answer = ask_signed(bench, message)

    assert ("30", "DE048") == (answer[39], answer[44])
    assert [] == kinds(bench)
    (record,) = bench.memory.records
    assert "key refused" == record.kind
    assert reason in record.detail
    assert "00" == ask_signed(bench, inquiry(bench, 1))[39]


def test_recorded_delivery_brings_no_old_key_back() -> None:
    """A delivery sent again after the key was replaced is refused; so is a stale one."""
    bench = signing_bench()
    ask_signed(bench, delivery(bench, NEW))
    ask_signed(bench, inquiry(bench, 1), NEW)
    ask_signed(bench, delivery(bench, NEWER), NEW)

    replaced = ask_signed(bench, delivery(bench, NEW), NEW)
    bench.pass_time(16 * 60)
    stale = ask_signed(bench, delivery(bench, NEW), NEW)

    assert ("30", "68") == (replaced[39], stale[39])
    assert NEWER.reveal() == bench.house.vault.keys[MAC_NAME].in_use.token.reveal()


def test_pin_key_block_makes_no_mac_key() -> None:
    """The block's usage decides: a PIN key cannot come in as a MAC key."""
    bench = signing_bench()

    ask_signed(bench, delivery(bench, NEW, "P0"))

    assert NEW.reveal() == bench.house.vault.keys[PIN_NAME].in_use.token.reveal()
    assert bench.mac_key.reveal() == bench.house.vault.keys[MAC_NAME].in_use.token.reveal()


def test_known_test_key_is_refused_in_production() -> None:
    """A key of a manual is taken in the lab and nowhere else."""
    known = Key.from_hex("0123456789ABCDEFFEDCBA9876543210")
    lab, production = signing_bench(), signing_bench(refuses_known_keys=True)

    assert "00" == ask_signed(lab, delivery(lab, known))[39]
    assert "30" == ask_signed(production, delivery(production, known))[39]
    assert "publicly known" in production.memory.records[0].detail


@pytest.mark.parametrize("silent", [KeepRecord, KeepKeys, ImportKey])
def test_key_that_cannot_be_kept_is_not_taken(silent: type) -> None:
    """If record, disk or HSM fail, the answer is no 00 and the old key is the only one."""
    bench = signing_bench()
    bench.memory.faults[silent] = JournalUnavailable("the disk is full")

    answer = ask_signed(bench, delivery(bench))

    assert "96" == answer[39]
    assert bench.mac_key.reveal() == bench.house.vault.keys[MAC_NAME].in_use.token.reveal()
    (late,) = bench.feed(signed_payload(bench, inquiry(bench, 1), NEW))
    assert "63" == late[39]


def test_key_needs_sign_on_and_exchange_key() -> None:
    """58 before sign-on; 57 on a line without an exchange key."""
    bench = signing_bench()
    bench.open(2)
    message = delivery(bench)

    early = ask_signed(bench, message, link=2)
    ladders = {n: one for n, one in bench.house.vault.keys.items() if n != EXCHANGE_NAME}
    bench.house.vault = type(bench.house.vault)(
        bench.vault.pan_key, bench.vault.person_key, bench.vault.fingerprint_key,
        bench.vault.sealing_key, ladders,
    )  # fmt: skip

    assert "58" == early[39]
    assert "57" == ask_signed(bench, message)[39]
    assert "57" == ask_for_keys(bench)[0][39]
    why = "there is no exchange key of this line"
    assert [why, why] == [note.fields["reason"] for note in bench.notes[-2:]]


def test_two_changes_of_one_key_take_turns() -> None:
    """While one delivery is being kept, another of the same key is hindered: 96, try again."""
    bench = signing_bench()
    bench.holds = (KeepKeys,)
    bench.feed(signed_payload(bench, delivery(bench, NEW)))
    bench.holds = ()

    (second,) = bench.feed(signed_payload(bench, delivery(bench, NEWER)))
    bench.release()

    assert "96" == second[39]
    assert NEW.reveal() == bench.house.vault.keys[MAC_NAME].in_use.token.reveal()


def _pin() -> Pin:
    return Pin(PIN.encode())


def _pan() -> Pan:
    return Pan(PAN)
