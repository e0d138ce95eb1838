"""The switch's own sign-on: only the bank's own word, authentic and recorded, opens the line."""

from dataclasses import replace

import pytest

from atm_switch.domain.errors import JournalUnavailable
from atm_switch.domain.identifiers import AcquirerId
from atm_switch.switch.hsm_port import CheckMac, MakeMac
from atm_switch.switch.own_sign_on import AGAIN_SECONDS, is_sign_on_due, unanswered_sign_on
from atm_switch.switch.ports import AuditRecord, KeepRecord
from atm_switch.switch.session import Session
from atm_switch.wire.message import IsoMessage
from tests.doubles.bench import BNI, Bench, bank
from tests.doubles.signed_line import SIGN_ON, signed_payload, signing_bench

ANSWER_SECONDS = 30.0


def dialled(bench: Bench, acquirer: AcquirerId | None = BNI) -> Session:
    """Open a link of our own; return what the switch knows of it."""
    bench.open(2, acquirer)
    bench.perform(bench.switch.dialled(2, 0.0, bench.now))
    session = bench.switch.session_of(2)
    assert session is not None
    return session


def said(bench: Bench) -> IsoMessage:
    """What left last."""
    return bench.dialect.packager.unpack(bench.sent[-1].payload)


def answer_of(bench: Bench, code: str | None = "00") -> IsoMessage:
    """The bank's 0810 to what left last."""
    elements = {n: said(bench)[n] for n in (7, 11, 70)} | ({39: code} if code else {})
    return IsoMessage("0810", dict(sorted(elements.items())))


def hear(bench: Bench, message: IsoMessage) -> None:
    """Take an answer in on the link of our own; nothing is said to it."""
    assert [] == bench.feed(bench.dialect.packager.pack(message), 2)


def test_answered_sign_on_opens_the_line_and_is_recorded() -> None:
    """The bank's 00: its inquiries pass, and the record names the bank and who signed on."""
    bench = Bench()
    session = dialled(bench)
    assert (None, "001", "009") == (session.signed_on_as, said(bench)[70], said(bench)[32])

    hear(bench, answer_of(bench))

    assert BNI == session.signed_on_as
    record = AuditRecord("sign-on", session.peer, "acquirer 009", "the switch signed on")
    assert [record] == bench.memory.records
    note = bench.notes[-1]
    fields = {"link": 2, "peer": session.peer, "bank": "009"}
    assert ("signed on", fields, False) == (note.event, note.fields, note.is_alarm)
    assert "00" == bench.ask(bench.inquiry(), 2)[39]


@pytest.mark.parametrize(
    ("code", "reason"),
    [("05", "the bank answered 05"), (None, "the bank answered without DE039")],
)
def test_anything_but_00_opens_nothing_and_is_followed_by_another_try(
    code: str | None, reason: str
) -> None:
    """The log says what the bank said; ten seconds later, and not before, the switch asks anew."""
    bench = Bench()
    session = dialled(bench)

    hear(bench, answer_of(bench, code))

    note = bench.notes[-1]
    assert (None, []) == (session.signed_on_as, bench.memory.records)
    assert ("sign-on refused", reason, True) == (note.event, note.fields["reason"], note.is_alarm)
    assert "58" == bench.ask(bench.inquiry(), 2)[39]
    before = len(bench.sent)
    bench.pass_time(AGAIN_SECONDS - 0.1)
    assert before == len(bench.sent)
    bench.pass_time(0.1)
    assert (before + 1, "001") == (len(bench.sent), said(bench)[70])


def test_answer_that_is_heard_twice_counts_once() -> None:
    """The second belongs to nothing any more."""
    bench = Bench()
    dialled(bench)
    answer = answer_of(bench)
    hear(bench, answer)

    hear(bench, answer)

    assert (1, "response without request") == (len(bench.memory.records), bench.notes[-1].event)


@pytest.mark.parametrize(("element", "wrong"), [(7, "0101000000"), (11, "999999"), (70, "301")])
def test_answer_to_something_else_opens_nothing(element: int, wrong: str) -> None:
    """DE7, DE11 and DE70 must be those that were sent; the wait goes on."""
    bench = Bench()
    session = dialled(bench)
    answer = answer_of(bench)

    hear(bench, answer.with_element(element, wrong))

    assert session.signed_on_as is None
    hear(bench, answer)
    assert BNI == session.signed_on_as


def test_line_of_nobody_is_not_signed_on() -> None:
    """Without a bank of its own a line cannot stand for one, whatever is answered."""
    bench = Bench(banks=(bank(), replace(bank(), acquirer=AcquirerId("002"))))
    session = dialled(bench, None)

    hear(bench, answer_of(bench))

    assert session.signed_on_as is None
    assert "the line has no acquirer" == bench.notes[-1].fields["reason"]
    assert "" == bench.notes[-1].fields["bank"]


@pytest.mark.parametrize("names", [frozenset({"other.example"}), frozenset[str]()])
def test_bank_with_another_certificate_opens_nothing(names: frozenset[str]) -> None:
    """Its 00 does not count: it may be whoever answers at the bank's address."""
    bench = Bench(banks=(bank(certificate_names=frozenset({"host.bank.example"})),))
    session = dialled(bench)
    session.peer_names = names

    hear(bench, answer_of(bench))

    assert (None, []) == (session.signed_on_as, bench.memory.records)
    assert "the certificate is not one of this bank's" == bench.notes[-1].fields["reason"]


def test_bank_with_its_own_certificate_opens_the_line() -> None:
    """One of those it may be called is enough."""
    names = frozenset({"host.bank.example", "spare.bank.example"})
    bench = Bench(banks=(bank(certificate_names=names),))
    session = dialled(bench)
    session.peer_names = frozenset({"spare.bank.example", "other.example"})

    hear(bench, answer_of(bench))

    assert BNI == session.signed_on_as


def test_unrecorded_sign_on_does_not_stand() -> None:
    """While it is recorded inquiries pass already; if it cannot be, the line is closed to them."""
    bench = Bench()
    session = dialled(bench)
    bench.holds = (KeepRecord,)
    hear(bench, answer_of(bench))
    meanwhile = session.signed_on_as
    (asked,) = bench.held

    bench.perform(bench.switch.answered(asked.ticket, JournalUnavailable("away"), bench.now))

    assert (BNI, None) == (meanwhile, session.signed_on_as)
    assert ("sign-on refused", "away") == (bench.notes[-1].event, bench.notes[-1].fields["reason"])
    assert "58" == bench.ask(bench.inquiry(), 2)[39]


def test_forged_answer_neither_opens_the_line_nor_ends_the_wait() -> None:
    """Without a right MAC neither a 00 nor a refusal is the bank's; its own word still counts."""
    bench = signing_bench()
    session = dialled(bench)
    answer = answer_of(bench)

    for code in ("00", "05"):
        hear(bench, answer.with_element(39, code))
        assert session.signed_on_as is None
        assert ("sign-on refused", True) == (bench.notes[-1].event, bench.notes[-1].is_alarm)
    bench.feed(signed_payload(bench, answer), 2)

    assert BNI == session.signed_on_as


def test_forged_answers_to_our_sign_on_cost_the_line() -> None:
    """Each is a strike, as any wrong MAC is."""
    bench = signing_bench(bad_frames_per_minute=3)
    dialled(bench)
    answer = answer_of(bench)

    for _ in range(3):
        hear(bench, answer)

    assert [2] == [one.link for one in bench.closed]


def test_of_two_answers_under_way_the_first_counts() -> None:
    """The other, whose MAC was being checked meanwhile, says nothing and is not recorded."""
    bench = signing_bench()
    dialled(bench)
    payload = signed_payload(bench, answer_of(bench))
    bench.holds = (CheckMac,)
    bench.feed(payload, 2)
    bench.feed(payload, 2)

    bench.release()

    assert ["signed on"] == [one.event for one in bench.notes if one.event.startswith("sign")][-1:]
    assert 1 == len(bench.memory.records)
    assert 0 == bench.switch.in_flight


def test_silent_bank_loses_the_line() -> None:
    """Half a minute is borne, more is not."""
    bench = Bench()
    dialled(bench)

    bench.pass_time(ANSWER_SECONDS)
    borne = list(bench.closed)
    bench.pass_time(0.1)

    assert [] == borne
    assert [(2, "our sign-on was not answered")] == [(c.link, c.reason) for c in bench.closed]


def test_line_the_bank_dialled_is_never_signed_on_by_the_switch() -> None:
    """Nor is its end due for an answer that nobody asked for."""
    bench = Bench()
    session = bench.switch.session_of(1)
    assert session is not None

    assert not is_sign_on_due(session, bench.now)
    assert unanswered_sign_on(session, bench.house.policy, bench.now) is None


def test_bank_that_knows_nothing_of_our_sign_on_is_signed_on_to_anew() -> None:
    """A no to our echo: the line is closed to inquiries at once, and the next tick signs on."""
    bench = Bench()
    session = dialled(bench)
    hear(bench, answer_of(bench))
    session.echo_idle_seconds = 60.0
    bench.pass_time(61.0)
    assert "301" == said(bench)[70]

    hear(bench, answer_of(bench, "58"))

    assert session.signed_on_as is None
    lost = bench.notes[-1]
    assert ("sign-on lost", {"link": 2, "peer": session.peer}, True) == (
        lost.event, lost.fields, lost.is_alarm
    )  # fmt: skip
    bench.pass_time(0.0)
    assert "001" == said(bench)[70]
    hear(bench, answer_of(bench))
    assert BNI == session.signed_on_as


def test_sign_on_that_is_being_signed_when_the_switch_leaves_is_waited_for_by_nobody() -> None:
    """The bank had signed on over our line itself: what leaves late opens nothing again."""
    bench = signing_bench()
    bench.holds = (MakeMac,)
    session = dialled(bench)
    bench.feed(signed_payload(bench, SIGN_ON), 2)
    by_bank = session.signed_on_as
    bench.perform(bench.switch.leave(bench.now))

    bench.release()
    bench.pass_time(AGAIN_SECONDS + 1)

    assert BNI == by_bank
    assert (None, None) == (session.signing_on, session.signed_on_as)
    sent = [bench.dialect.packager.unpack(one.payload)[70] for one in bench.sent if one.link == 2]
    assert ["001", "001", "002"] == sorted(sent)
