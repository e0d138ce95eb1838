"""Claims about the answers to what cannot be read or is not known, with and without MACs."""

import pytest

from atm_switch.domain.errors import JournalUnavailable
from atm_switch.domain.identifiers import AcquirerId
from atm_switch.profile.load import load_profile
from atm_switch.switch.case import Case
from atm_switch.switch.effects import Effect, Note, Send
from atm_switch.switch.policy import MacPolicy
from atm_switch.switch.ports import AuditRecord, FindAccount, KeepRecord
from atm_switch.switch.refusals import mistaken, rule_of_strays
from atm_switch.wire.framing import Frame
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager
from tests.doubles.bench import Bench, bank
from tests.doubles.inquiries import signed_on
from tests.doubles.signed_line import is_signed, signed_payload, signing_bench


def test_strays_have_a_rule_that_demands_nothing() -> None:
    """Their answers echo the profile's short list and hold little else."""
    profile = load_profile("bpjstk-jht-v1")

    rule = rule_of_strays(profile)

    assert profile.refusal_echo == rule.echo
    assert frozenset({39, 44, 64, 128}) == rule.response
    assert not rule.mandatory


@pytest.mark.parametrize("bench", [Bench(), signing_bench()], ids=["MAC off", "MAC required"])
def test_unreadable_message_names_its_element(bench: Bench) -> None:
    """A message cut short in DE48 gets 30 and DE48 by name."""
    payload = bench.dialect.packager.pack(bench.inquiry())
    cut = payload[: payload.index(b"040JHTBAL") + 10]

    (answer,) = bench.feed(cut)

    assert ("30", "DE048") == (answer[39], answer[44])


@pytest.mark.parametrize("bench", [Bench(), signing_bench()], ids=["MAC off", "MAC required"])
def test_unknown_kind_of_message_is_refused(bench: Bench) -> None:
    """A readable 0100 gets 12, whatever the MAC policy."""
    payload = bench.dialect.packager.pack(bench.inquiry())

    (answer,) = bench.feed(b"0100" + payload[4:])

    assert ("0110", "12") == (answer.mti, answer[39])


@pytest.mark.parametrize("payload", [b"0100" + b"F" * 16, b"0100" + b"0" * 15])
def test_unreadable_message_of_an_unknown_kind_names_no_element(payload: bytes) -> None:
    """What nobody here speaks gets 12: which element was wrong says nothing of it."""
    bench = Bench()

    (answer,) = bench.feed(payload)

    assert "12" == answer[39]
    assert 44 not in answer


def test_unreadable_message_of_nobody_is_answered_unsigned() -> None:
    """Of two banks that both require MACs it belongs to neither: there is no key to sign with."""
    both = (bank(mac=MacPolicy.REQUIRED), bank(acquirer=AcquirerId("014"), mac=MacPolicy.REQUIRED))
    bench = Bench(banks=both)
    payload = bench.dialect.packager.pack(bench.inquiry({32: None}))

    (answer,) = bench.feed(payload[:-5])

    assert "30" == answer[39]
    assert answer.get(64) == answer.get(128) == ""


@pytest.mark.parametrize(("mti", "code"), [("0200", "96"), ("0210", ""), ("0810", "")])
def test_mistake_of_ours_is_told_to_who_asked_only(mti: str, code: str) -> None:
    """A request gets 96; an answer of the peer gets none, or two hosts would answer for ever."""
    bench = Bench()
    session = bench.switch.session_of(1)
    profile = bench.dialect.profile
    rule = profile.rule_of("0200")
    assert session is not None
    assert rule is not None
    message = IsoMessage(mti, bench.inquiry().elements)

    response = mistaken(Case(message, b"", rule, session, bench.now, bench.now), "here")

    assert code == ("" if response is None else response.message[39])


def test_torn_mac_is_63_only_where_macs_count() -> None:
    """A MAC cut short is 63 on a line that requires MACs, and a mere 30 on another."""
    strict, free = signing_bench(), Bench()
    torn = signed_payload(strict, strict.inquiry())[:-3]

    (refused,) = strict.feed(torn)
    (unreadable,) = free.feed(torn)

    assert ("63", "30") == (refused[39], unreadable[39])
    assert is_signed(strict, strict.sent[-1].payload)


def test_torn_mac_leaves_the_record_of_a_wrong_one() -> None:
    """So that who listens for refusals hears of it; a mere 30 has none."""
    strict, free = signing_bench(), Bench()
    torn = signed_payload(strict, strict.inquiry())[:-3]

    strict.feed(torn)
    free.feed(torn)

    detail = "the MAC is cut short or grown; 1 within a minute"
    record = AuditRecord("mac refused", "127.0.0.1:4001", "acquirer 009", detail)
    assert [record] == strict.memory.records
    assert [] == free.memory.records


def test_torn_mac_is_63_beside_an_audit_that_is_away() -> None:
    """The answer is the same: a record that nobody takes is no reason to say less."""
    bench = signing_bench()
    bench.memory.faults[KeepRecord] = JournalUnavailable("away")

    (answer,) = bench.feed(signed_payload(bench, bench.inquiry())[:-3])

    assert "63" == answer[39]


def failing(bench: Bench, payload: bytes, *, link: int = 1) -> list[Effect]:
    """Say what is done about a frame that a mistake of ours met."""
    return bench.switch.failed(link, Frame(b"", payload), "TypeError at here.py:1", bench.now)


@pytest.mark.parametrize("is_readable", [True, False])
def test_frame_we_failed_on_is_answered_96(
    monkeypatch: pytest.MonkeyPatch, *, is_readable: bool
) -> None:
    """With what can be read of it, be it its MTI alone; it costs the peer no strike."""
    bench = Bench()
    payload = bench.dialect.packager.pack(bench.inquiry())
    if not is_readable:

        def fail(_packager: Packager, _payload: bytes) -> IsoMessage:
            raise TypeError("a mistake of ours")

        monkeypatch.setattr(Packager, "unpack", fail)

    sent, note = failing(bench, payload)
    monkeypatch.undo()

    assert isinstance(sent, Send)
    assert isinstance(note, Note)
    answer = bench.dialect.packager.unpack(sent.payload)
    assert ("0210", "96") == (answer.mti, answer[39])
    assert ("000123" if is_readable else "") == answer.get(11)
    session = bench.switch.session_of(1)
    assert session is not None
    assert not session.strikes


@pytest.mark.parametrize("said", [b"0210", b"0420"[:2], b"\xff" * 40])
def test_frame_we_failed_on_that_asks_nothing_gets_no_answer(said: bytes) -> None:
    """An answer, or what is not even an MTI."""
    bench = Bench()

    assert [] == failing(bench, said)
    assert [] == failing(bench, bench.dialect.packager.pack(bench.inquiry()), link=99)


def test_frame_we_failed_on_is_answered_once() -> None:
    """A request that is under way all the same gets the answer of its corridor."""
    bench = signed_on()
    bench.holds = (FindAccount,)
    payload = bench.dialect.packager.pack(bench.inquiry())
    frame = Frame(b"", payload)
    bench.perform(bench.switch.received(1, frame, bench.now))

    assert [] == bench.switch.failed(1, frame, "TypeError at here.py:1", bench.now)


def test_answer_to_what_we_failed_on_carries_the_mac_of_its_line() -> None:
    """Where answers carry one."""
    bench = signing_bench()

    bench.perform(failing(bench, signed_payload(bench, bench.inquiry())))

    assert is_signed(bench, bench.sent[-1].payload)
