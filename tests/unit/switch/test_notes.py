"""What the log and the audit hear of the switch's own words, of keys and of the ledger, whole."""

import pytest

from atm_switch.domain.errors import LedgerUnavailable, NeighbourUnavailable
from atm_switch.security.components import key_check_value
from atm_switch.security.key_ring import TDES
from atm_switch.switch.breaker import AGAIN_SECONDS, FAILURES_MAX
from atm_switch.switch.effects import Note
from atm_switch.switch.hsm_port import MintKey
from atm_switch.switch.ports import AuditRecord, FindCard, KeepKeys
from atm_switch.wire.message import IsoMessage
from tests.doubles.bench import BNI, Bench
from tests.doubles.inquiries import signed_on
from tests.doubles.key_line import NEW, answer_to, ask_for_keys, delivery, key_in
from tests.doubles.signed_line import SIGN_ON, ask_signed, signed_payload, signing_bench

PEER, DIALLED = "127.0.0.1:4001", "127.0.0.1:4002"


def noted(bench: Bench, event: str) -> Note:
    """The one note of an event."""
    (note,) = [one for one in bench.notes if one.event == event]
    return note


def answer(bench: Bench) -> IsoMessage:
    """The peer's 00 to what left last."""
    said = bench.dialect.packager.unpack(bench.sent[-1].payload)
    return IsoMessage("0810", {7: said[7], 11: said[11], 39: "00", 70: said[70]})


@pytest.mark.parametrize(
    ("is_tls", "shown"), [(False, {}), (True, {"certificate": ["a.example", "b.example"]})]
)
def test_link_is_noted_with_its_peer_and_certificate(
    *, is_tls: bool, shown: dict[str, list[str]]
) -> None:
    """Names in order, and none where there is no TLS."""
    bench, names = Bench(), frozenset({"b.example", "a.example"} if is_tls else ())

    effects = bench.switch.opened(
        7, "192.0.2.7:1", bench.dialect, BNI, bench.now, peer_names=names, is_tls=is_tls
    )

    assert [Note("link opened", {"link": 7, "peer": "192.0.2.7:1", **shown})] == effects


def test_own_words_are_noted_with_their_line() -> None:
    """Sign-on, echo and sign-off as they leave, the sign-off in the audit as well."""
    bench = Bench()
    bench.open(2, BNI)
    bench.perform(bench.switch.dialled(2, 60.0, bench.now))
    pack = bench.dialect.packager.pack
    bench.feed(pack(answer(bench)), 2)
    bench.pass_time(61)
    bench.feed(pack(answer(bench)), 2)
    bench.perform(bench.switch.leave(bench.now))
    bench.feed(pack(answer(bench)), 2)

    line = {"link": 2, "peer": DIALLED}
    assert Note("sign-on sent", line) == noted(bench, "sign-on sent")
    assert Note("echo sent", {"link": 2}) == noted(bench, "echo sent")
    assert Note("sign-off sent", line) == noted(bench, "sign-off sent")
    assert Note("signed off", line) == noted(bench, "signed off")
    left = AuditRecord("sign-off", DIALLED, "acquirer 009", "the switch signed off")
    assert left == bench.memory.records[-1]


@pytest.mark.parametrize(("code", "became"), [("00", "in use"), ("30", "dropped")])
def test_delivered_key_is_noted_and_recorded_at_each_step(code: str, became: str) -> None:
    """By its check value: offered, and what the peer said to it."""
    bench = signing_bench()
    _, delivered = ask_for_keys(bench, "MAC")
    check = key_check_value(key_in(bench, delivered), TDES)

    bench.feed(signed_payload(bench, answer_to(delivered, code)))

    fields = {"link": 1, "key": "mac 009", "check": check}
    assert Note("key delivery sent", fields) == noted(bench, "key delivery sent")
    said = Note("key delivery answered", {**fields, "de39": code}, is_alarm=code != "00")
    assert said == noted(bench, "key delivery answered")
    assert [
        AuditRecord("key change", PEER, "mac 009", f"offered, check value {check}"),
        AuditRecord(
            "key change", PEER, "mac 009", f"{became}, check value {check}, peer said {code}"
        ),
    ] == bench.memory.records


def test_received_key_is_recorded_whole() -> None:
    """By its check value, before it is kept."""
    bench = signing_bench()

    ask_signed(bench, delivery(bench))

    detail = f"received, check value {key_check_value(NEW, TDES)}"
    assert [AuditRecord("key change", PEER, "mac 009", detail)] == bench.memory.records


def test_delivery_that_comes_to_nothing_is_noted_whole() -> None:
    """Not made, not believed, not kept: each with the key and the reason."""
    bench = signing_bench()
    bench.memory.faults[MintKey] = NeighbourUnavailable("the HSM is away")
    ask_for_keys(bench, "MAC")
    bench.memory.faults.clear()
    _, delivered = ask_for_keys(bench, "MAC")
    check = key_check_value(key_in(bench, delivered), TDES)
    bench.feed(bench.dialect.packager.pack(answer_to(delivered)))
    bench.memory.faults[KeepKeys] = NeighbourUnavailable("the disk is full")
    bench.feed(signed_payload(bench, answer_to(delivered)))

    made = Note("key not delivered", {"key": "mac 009", "why": "the HSM is away"}, is_alarm=True)
    assert made == noted(bench, "key not delivered")
    fields = {"link": 1, "key": "mac 009", "check": check}
    for event, why in (
        (
            "answer to a key delivery not believed",
            "mac_wrong: the MAC is missing, doubled or misplaced",
        ),
        ("answer to a key delivery not kept", "the disk is full"),
    ):
        assert Note(event, {**fields, "why": why}, is_alarm=True) == noted(bench, event)


def test_refused_mac_of_nobody_is_recorded_as_that() -> None:
    """A sign-on that names no bank, on a line that is nobody's yet."""
    bench = signing_bench()
    bench.open(2)

    bench.feed(bench.dialect.packager.pack(SIGN_ON), 2)

    detail = "the MAC is missing, doubled or misplaced; 1 within a minute"
    assert [AuditRecord("mac refused", DIALLED, "acquirer ", detail)] == bench.memory.records


def test_request_that_joins_another_is_noted_as_that() -> None:
    """Once when it joins, and as a repeat when it is answered with the first."""
    bench = signed_on()
    bench.holds = (FindCard,)
    for _ in range(2):
        bench.feed(bench.dialect.packager.pack(bench.inquiry()))
    joined = bench.notes[-1]
    bench.release()

    assert "joined the same request under way" == joined.fields["note"]
    assert (True, "joined the first") == (
        bench.notes[-1].fields["repeat"], bench.notes[-1].fields["reason"]
    )  # fmt: skip


def test_ledger_that_is_left_alone_is_noted_once_and_once_when_it_is_back() -> None:
    """An alarm that says why, and the end of it."""
    bench = signed_on()
    bench.memory.faults[FindCard] = LedgerUnavailable("the file is gone")
    for number in range(FAILURES_MAX + 2):
        bench.ask(bench.inquiry({11: f"{number:06d}"}))
    bench.memory.faults.clear()
    bench.pass_time(AGAIN_SECONDS + 1)

    shut = Note("ledger not asked any more", {"why": "the file is gone"}, is_alarm=True)
    assert shut == noted(bench, "ledger not asked any more")
    assert Note("ledger asked again", {}) == noted(bench, "ledger asked again")
