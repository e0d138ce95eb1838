"""Claims about keys the switch delivers: on disk before they are sent, in use once taken."""

from datetime import timedelta

import pytest

from atm_switch.domain.errors import NeighbourUnavailable
from atm_switch.domain.identifiers import AcquirerId, TerminalId
from atm_switch.security.components import key_check_value
from atm_switch.security.key_block import unwrap
from atm_switch.security.key_ring import TDES, KeyName, KeyUsage, Ladder, LineKey
from atm_switch.security.vault import Vault
from atm_switch.switch.hsm_port import MintKey
from atm_switch.switch.ports import KeepKeys, KeepRecord
from atm_switch.wire.message import IsoMessage
from tests.doubles.bench import BNI
from tests.doubles.key_line import (
    MAC_NAME,
    NEW,
    NEWER,
    PIN_NAME,
    answer_to,
    ask_for_keys,
    delivery,
    inquiry,
    key_in,
)
from tests.doubles.signed_line import ask_signed, is_signed, signed_payload, signing_bench


def test_request_brings_all_keys_of_the_line() -> None:
    """161 gets 00, then a PIN key and a MAC key in messages of our own."""
    bench = signing_bench()

    answer, *delivered = ask_for_keys(bench)

    assert "00" == answer[39]
    assert ["162", "162"] == [message[70] for message in delivered]
    usages = [unwrap(bench.exchange_key, m[48][6:]).usage for m in delivered]
    assert ["P0", "M3"] == usages
    assert all(is_signed(bench, send.payload) for send in bench.sent[-2:])


@pytest.mark.parametrize(("wish", "usage"), [("PIN", "P0"), ("MAC", "M3")])
def test_request_may_name_one_key(wish: str, usage: str) -> None:
    """DE48 of a 161 says which key is wanted."""
    bench = signing_bench()

    _, delivered = ask_for_keys(bench, wish)

    assert usage == unwrap(bench.exchange_key, delivered[48][6:]).usage


def test_request_for_an_unknown_key_is_refused() -> None:
    """A word that is no key's gets 30, and nothing is delivered."""
    bench = signing_bench()

    (answer,) = ask_for_keys(bench, "XYZ")

    assert "30" == answer[39]


def test_offered_key_is_on_disk_before_it_is_sent() -> None:
    """A crash after sending cannot leave the peer alone with the key."""
    bench = signing_bench()
    bench.holds = (KeepKeys,)

    (answer,) = ask_for_keys(bench, "MAC")
    held = len(bench.held)
    bench.release()

    assert "00" == answer[39]
    assert 1 == held
    delivered = bench.dialect.packager.unpack(bench.sent[-1].payload)
    kept = bench.memory.vault.keys[MAC_NAME]
    assert kept.is_coming
    assert kept.other is not None
    assert key_in(bench, delivered).reveal() == kept.other.token.reveal()


def test_peers_00_puts_the_key_in_use() -> None:
    """After the answer the switch signs its own messages with the new key."""
    bench = signing_bench()
    _, delivered = ask_for_keys(bench, "MAC")
    new = key_in(bench, delivered)

    bench.feed(signed_payload(bench, answer_to(delivered)))
    bench.pass_time(61)

    assert is_signed(bench, bench.sent[-1].payload, new)
    assert "00" == ask_signed(bench, inquiry(bench, 1), new)[39]
    assert "00" == ask_signed(bench, inquiry(bench, 2))[39]


def test_first_use_counts_as_the_answer() -> None:
    """If the peer's 0810 is lost, its first message under the new key says the same."""
    bench = signing_bench()
    _, delivered = ask_for_keys(bench, "MAC")
    new = key_in(bench, delivered)

    assert "00" == ask_signed(bench, inquiry(bench, 1), new)[39]
    assert new.reveal() == bench.house.vault.keys[MAC_NAME].in_use.token.reveal()


def test_restart_in_mid_change_takes_either_key() -> None:
    """The keys as they are on disk serve a peer that took the key and one that did not."""
    bench = signing_bench()
    _, delivered = ask_for_keys(bench, "MAC")
    new = key_in(bench, delivered)

    for key in (bench.mac_key, new):
        again = signing_bench()
        again.house.vault = bench.memory.vault

        assert "00" == ask_signed(again, inquiry(again, 1), key)[39]


def test_peers_no_drops_the_key() -> None:
    """A refused key is forgotten; the old one goes on alone."""
    bench = signing_bench()
    _, delivered = ask_for_keys(bench, "MAC")
    new = key_in(bench, delivered)

    bench.feed(signed_payload(bench, answer_to(delivered, "30")))

    (refused,) = bench.feed(signed_payload(bench, inquiry(bench, 1), new))
    assert "63" == refused[39]
    assert "00" == ask_signed(bench, inquiry(bench, 2))[39]


def test_forged_answer_to_a_delivery_is_ignored() -> None:
    """Without a right MAC neither 00 nor a refusal of a key is believed."""
    bench = signing_bench()
    _, delivered = ask_for_keys(bench, "MAC")
    pack = bench.dialect.packager.pack

    bench.feed(pack(answer_to(delivered, "30")))

    assert bench.house.vault.keys[MAC_NAME].is_coming
    assert bench.notes[-1].is_alarm
    bench.feed(signed_payload(bench, answer_to(delivered)))
    assert not bench.house.vault.keys[MAC_NAME].is_coming


def test_terminals_first_own_key_replaces_its_banks() -> None:
    """Until the terminal takes it, the bank's key it has used so far stays good for it."""
    bench = signing_bench()
    elements = {7: "0630072507", 11: "000400", 41: "S1ABC123", 48: "MAC", 70: "161"}

    _, delivered = bench.feed(signed_payload(bench, IsoMessage("0800", elements)))

    assert "00" == ask_signed(bench, inquiry(bench, 1))[39]
    assert "00" == ask_signed(bench, inquiry(bench, 2), key_in(bench, delivered))[39]
    others = bench.inquiry({11: "000003", 41: "S1ABC999"})
    assert "00" == ask_signed(bench, others)[39]


def test_first_key_of_a_line_is_in_use_at_once() -> None:
    """Where there was no key there is nothing to keep."""
    bench = signing_bench()
    names = [PIN_NAME]
    ladders = {n: one for n, one in bench.house.vault.keys.items() if n not in names}
    vault = bench.house.vault
    bench.memory.vault = bench.house.vault = Vault(
        vault.pan_key, vault.person_key, vault.fingerprint_key, vault.sealing_key, ladders
    )

    _, delivered = ask_for_keys(bench, "PIN")

    ladder = bench.house.vault.keys[PIN_NAME]
    assert key_in(bench, delivered).reveal() == ladder.in_use.token.reveal()
    assert ladder.other is None


def test_terminal_asks_for_a_key_of_its_own() -> None:
    """DE41 in a 161 comes back in the delivery, and the key is that terminal's."""
    bench = signing_bench()
    elements = {7: "0630072507", 11: "000400", 41: "S1ABC124", 48: "PIN", 70: "161"}

    _, delivered = bench.feed(signed_payload(bench, IsoMessage("0800", elements)))

    ladder = bench.house.vault.keys[KeyName(KeyUsage.PIN, BNI, TerminalId("S1ABC124"))]
    assert "S1ABC124" == delivered[41]
    assert ladder.other is not None
    assert key_in(bench, delivered).reveal() == ladder.other.token.reveal()


@pytest.mark.parametrize("silent", [MintKey, KeepKeys, KeepRecord])
def test_key_that_cannot_be_made_is_not_sent(silent: type) -> None:
    """The 161 is answered; of the delivery there is an alarm and nothing on the line."""
    bench = signing_bench()
    bench.memory.faults[silent] = NeighbourUnavailable("away")

    (answer,) = ask_for_keys(bench, "MAC")

    assert "00" == answer[39]
    assert "key not delivered" == bench.notes[-1].event
    assert bench.notes[-1].is_alarm
    assert "00" == ask_signed(bench, inquiry(bench, 1))[39]


def test_no_note_or_record_holds_a_key() -> None:
    """What is logged and recorded of a change is check values only."""
    bench = signing_bench()
    ask_signed(bench, delivery(bench))
    _, *delivered = ask_for_keys(bench)

    told = repr(bench.notes) + repr(bench.memory.records)

    for key in (NEW, *(key_in(bench, one) for one in delivered)):
        assert key.reveal().hex() not in told.lower()
        assert key_check_value(key, TDES) in told


def test_strangers_keys_are_not_touched() -> None:
    """A delivery changes the keys of the bank that signed on, whatever DE32 says."""
    bench = signing_bench()
    other = KeyName(KeyUsage.MAC, AcquirerId("014"))
    bench.house.vault = bench.house.vault.with_ladder(other, Ladder(LineKey.clear(NEWER)))

    ask_signed(bench, IsoMessage("0800", {**delivery(bench).elements, 32: "014"}))

    assert NEWER.reveal() == bench.house.vault.keys[other].in_use.token.reveal()


def test_answer_to_another_delivery_is_not_believed() -> None:
    """A recorded 0810 of the same STAN has another DE7, and puts no key into use."""
    bench = signing_bench()
    _, delivered = ask_for_keys(bench, "MAC")
    old = IsoMessage("0810", {**answer_to(delivered).elements, 7: "0630071507"})

    bench.feed(signed_payload(bench, old))

    assert bench.house.vault.keys[MAC_NAME].is_coming
    assert "response without request" == bench.notes[-1].event


@pytest.mark.parametrize(("code", "in_use"), [("00", 0), ("30", None)])
def test_answer_tells_of_its_own_key_only(code: str, in_use: int | None) -> None:
    """Of two offers, the answer to the first moves or drops the first, never the second."""
    bench = signing_bench()
    _, first = ask_for_keys(bench, "MAC")
    bench.utc += timedelta(seconds=1)
    elements = {7: f"{bench.utc:%m%d%H%M%S}", 11: "000401", 48: "MAC", 70: "161"}
    _, second = bench.feed(signed_payload(bench, IsoMessage("0800", elements)))
    keys = [key_in(bench, one) for one in (first, second)]

    bench.feed(signed_payload(bench, answer_to(first, code)))

    ladder = bench.house.vault.keys[MAC_NAME]
    expected = bench.mac_key if in_use is None else keys[in_use]
    assert expected.reveal() == ladder.in_use.token.reveal()
    assert "00" == ask_signed(bench, inquiry(bench, 1), keys[1])[39]


@pytest.mark.parametrize("silent", [KeepKeys, KeepRecord])
def test_answer_that_cannot_be_kept_harms_nobody(silent: type) -> None:
    """A full disk at the peer's 0810 is an alarm; the key stays offered and good."""
    bench = signing_bench()
    _, delivered = ask_for_keys(bench, "MAC")
    bench.memory.faults[silent] = NeighbourUnavailable("the disk is full")

    sent = bench.feed(signed_payload(bench, answer_to(delivered)))

    assert [] == sent
    assert "answer to a key delivery not kept" == bench.notes[-1].event
    assert 0 == bench.in_flight_of(1)
    assert bench.house.vault.keys[MAC_NAME].is_coming


def test_own_delivery_sent_back_is_refused() -> None:
    """A key this side offered does not come in as one the peer delivers."""
    bench = signing_bench()
    _, delivered = ask_for_keys(bench, "MAC")

    reflected = IsoMessage("0800", {**delivered.elements, 11: "000777"})

    assert "30" == ask_signed(bench, reflected)[39]


def test_key_asked_for_amid_its_change_comes_after() -> None:
    """A 161 that comes while the answer to the last delivery is being kept is not forgotten."""
    bench = signing_bench()
    _, delivered = ask_for_keys(bench, "PIN")
    bench.holds = (KeepKeys,)
    bench.feed(signed_payload(bench, answer_to(delivered)))
    again = IsoMessage("0800", {7: "0630072507", 11: "000900", 48: "PIN", 70: "161"})

    (answer,) = bench.feed(signed_payload(bench, again))
    before = len(bench.sent)
    bench.release()

    sent = [bench.dialect.packager.unpack(send.payload) for send in bench.sent[before:]]
    assert "00" == answer[39]
    assert ["162"] == [message[70] for message in sent]
