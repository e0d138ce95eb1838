"""A sign-on that is said again changes nothing: it is answered, and recorded now and then."""

import pytest

from atm_switch.domain.errors import JournalUnavailable
from atm_switch.switch.ports import AuditRecord, KeepRecord
from atm_switch.switch.session import RECORD_SECONDS
from tests.doubles.bench import BNI, Bench
from tests.doubles.inquiries import network, signed_on

SIGN_ON, SIGN_OFF = "001", "002"


def said(bench: Bench, code: str, count: int = 1, link: int = 1) -> set[str]:
    """Say a command so often; return what it was answered."""
    return {bench.ask(network(code), link)[39] for _ in range(count)}


def recorded(bench: Bench) -> list[tuple[str, str]]:
    """What stands in the audit: kind and detail."""
    return [(one.kind, one.detail) for one in bench.memory.records]


def test_recorded_sign_on_played_back_fills_no_audit() -> None:
    """
    However often within a minute of its record: 00 and no row; the next record counts them.
    """
    bench = Bench()

    assert {"00"} == said(bench, SIGN_ON, 1_000)
    assert [("sign-on", "")] == recorded(bench)

    bench.pass_time(RECORD_SECONDS)

    assert {"00"} == said(bench, SIGN_ON, 1_000)
    again = "again; 999 more sign-ons were not recorded"
    assert [("sign-on", ""), ("sign-on", again)] == recorded(bench)
    assert (
        AuditRecord("sign-on", "127.0.0.1:4001", "acquirer 009", again)
        == (bench.memory.records[-1])
    )
    assert "00" == bench.ask(bench.inquiry())[39]


def test_lone_sign_on_again_is_recorded_as_that() -> None:
    """
    A bank that signs on anew every quarter of an hour is seen doing so.
    """
    bench = signed_on()
    for _ in range(2):
        bench.pass_time(900)
        said(bench, SIGN_ON)

    assert [("sign-on", ""), ("sign-on", "again"), ("sign-on", "again")] == recorded(bench)


def test_every_change_is_recorded_at_once() -> None:
    """
    Each sign-off, which says what was left out before it, and each sign-on behind one.
    """
    bench = signed_on()
    for _ in range(2):
        said(bench, SIGN_ON, 3)
        said(bench, SIGN_OFF, 2)
        said(bench, SIGN_ON)

    off = ("sign-off", "3 more sign-ons were not recorded")
    assert [("sign-on", ""), off] * 2 + [("sign-on", "")] == recorded(bench)


def test_links_are_recorded_each_by_itself() -> None:
    """
    The first sign-on of another link is no sign-on again.
    """
    bench = signed_on()
    bench.open(2)
    said(bench, SIGN_ON, 5, link=2)

    assert ["127.0.0.1:4001", "127.0.0.1:4002"] == [one.actor for one in bench.memory.records]


def test_sign_on_beside_one_that_is_not_recorded_yet_waits_for_a_record_too() -> None:
    """
    What is answered 00 stands on a record: where none comes, 96 is the answer to both.
    """
    bench = Bench()
    bench.holds = (KeepRecord,)
    payload = bench.dialect.packager.pack(network(SIGN_ON))
    assert [] == bench.feed(payload) + bench.feed(payload)
    bench.memory.faults[KeepRecord] = JournalUnavailable("the disk is full")

    bench.release()

    answers = [bench.dialect.packager.unpack(one.payload)[39] for one in bench.sent]
    assert ["96", "96"] == answers
    assert "58" == bench.ask(bench.inquiry())[39]


def test_many_at_once_after_a_minute_are_one_record() -> None:
    """
    Those that come while it is written leave it to the first.
    """
    bench = signed_on()
    bench.pass_time(RECORD_SECONDS)
    bench.holds = (KeepRecord,)
    payload = bench.dialect.packager.pack(network(SIGN_ON))
    answers = [len(bench.feed(payload)) for _ in range(4)]
    bench.release()
    said(bench, SIGN_OFF)

    assert [0, 1, 1, 1] == answers
    off = ("sign-off", "3 more sign-ons were not recorded")
    assert [("sign-on", ""), ("sign-on", "again"), off] == recorded(bench)


@pytest.mark.parametrize("count", [1, 3])
def test_record_that_failed_is_tried_by_the_next(count: int) -> None:
    """
    96 as long as the journal cannot write, and what was left out is told when it can.
    """
    bench = signed_on()
    said(bench, SIGN_ON, 2)
    bench.pass_time(RECORD_SECONDS)
    bench.memory.faults[KeepRecord] = JournalUnavailable("the disk is full")

    assert {"96"} == said(bench, SIGN_ON, count)

    bench.memory.faults.clear()

    assert {"00"} == said(bench, SIGN_ON)
    again = ("sign-on", "again; 2 more sign-ons were not recorded")
    assert [("sign-on", ""), again] == recorded(bench)
    assert "00" == bench.ask(bench.inquiry())[39]


@pytest.mark.parametrize("records", [[], ["sign-on"]])
def test_sign_off_is_not_undone_by_a_sign_on_that_fails_behind_it(records: list[str]) -> None:
    """
    Whether one before it was recorded or not, the link stays signed off.
    """
    bench = signed_on() if records else Bench()
    bench.pass_time(RECORD_SECONDS)
    bench.holds = (KeepRecord,)
    bench.feed(bench.dialect.packager.pack(network(SIGN_ON)))
    bench.feed(bench.dialect.packager.pack(network(SIGN_OFF)))
    bench.memory.faults[KeepRecord] = JournalUnavailable("the disk is full")
    bench.release()

    assert records == [one.kind for one in bench.memory.records]
    assert "58" == bench.ask(bench.inquiry())[39]


def test_sign_on_that_fails_takes_nothing_from_a_later_one() -> None:
    """
    Behind a sign-off a sign-on stands by itself: it is only its own record that it needs.
    """
    bench = Bench()
    bench.holds = (KeepRecord,)
    for code in (SIGN_ON, SIGN_OFF, SIGN_ON):
        bench.feed(bench.dialect.packager.pack(network(code)))
    first, off, second = bench.held
    away = JournalUnavailable("the disk is full")
    for one, answer in ((first, away), (off, None), (second, None)):
        bench.perform(bench.switch.answered(one.ticket, answer, bench.now))
    bench.holds = ()

    assert ["96", "00", "00"] == [
        bench.dialect.packager.unpack(one.payload)[39] for one in bench.sent
    ]
    assert "00" == bench.ask(bench.inquiry())[39]


def test_line_the_switch_signed_on_stays_so_where_the_bank_s_own_sign_on_fails() -> None:
    """
    The line is what it was; once recorded, the bank's word is its first there, and a second one
    is left out.
    """
    bench = Bench()
    session = bench.switch.session_of(1)
    assert session is not None
    session.signed_on_as = BNI
    bench.memory.faults[KeepRecord] = JournalUnavailable("the disk is full")

    assert {"96"} == said(bench, SIGN_ON, 2)
    assert "00" == bench.ask(bench.inquiry())[39]

    bench.memory.faults.clear()

    assert {"00"} == said(bench, SIGN_ON, 2)
    assert [("sign-on", "")] == recorded(bench)
