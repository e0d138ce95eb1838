"""A repeat gets the stored answer and costs nothing; another request under its key gets 94."""

from datetime import timedelta

import pytest

from atm_switch.domain.errors import JournalUnavailable, LedgerUnavailable
from atm_switch.domain.outcome import Outcome
from atm_switch.profile.load import load_profile
from atm_switch.switch.ports import Commit, FindAccount, FindRepeat
from atm_switch.switch.session import Dialect
from atm_switch.wire.framing import Frame
from tests.doubles.bench import BUDI, PAN, PIN, Bench
from tests.doubles.inquiries import asked_kinds, commits, de48, network, repeat_of, signed_on

WRONG = "0123456789ABCDEF"
DAY = 86_400


@pytest.mark.parametrize("mti", ["0200", "0201"])
def test_repeat_gets_the_same_bytes(mti: str) -> None:
    """
    The same request again, as 0200 or 0201, gets the first answer byte for byte, asks
    nothing but the journal, and leaves no second row.
    """
    bench = signed_on()
    request = bench.inquiry()
    bench.ask(request)
    rows, asked = len(bench.memory.rows), len(bench.memory.asked)

    again = repeat_of(request) if mti == "0201" else request
    bench.ask(again)

    assert bench.sent[-2].payload == bench.sent[-1].payload
    assert ["FindRepeat", "ToldAgain"] == asked_kinds(bench)[asked:]
    assert rows == len(bench.memory.rows)


def test_repeat_is_kept_without_card_number() -> None:
    """
    What is stored for repeats holds no DE2; the repeat's own is put in.
    """
    bench = signed_on()
    bench.ask(bench.inquiry())

    ((_, stored),) = bench.memory.stored.values()

    assert PAN.encode() not in stored.payload
    assert 2 not in bench.dialect.packager.unpack(stored.payload)
    assert PAN == bench.ask(bench.inquiry())[2]


@pytest.mark.parametrize("block", [WRONG, "FEDCBA9876543210"])
def test_repeat_with_other_block_costs_no_try(block: str) -> None:
    """
    DE52 changes from sending to sending, so another one is still the repeat: it is not
    verified, and a wrong one neither fails nor costs a try.
    """
    bench = signed_on()
    bench.ask(bench.inquiry())
    verified = bench.memory.verifications

    response = bench.ask(repeat_of(bench.inquiry({52: block})))

    assert "00" == response[39]
    assert bench.sent[-2].payload == bench.sent[-1].payload
    assert verified == bench.memory.verifications
    assert [0] == list(bench.memory.tries.values())


def test_repeat_of_a_decline_is_the_decline() -> None:
    """
    A wrong PIN sent again with the right one under the same key stays wrong, at no cost;
    guessing needs a new key, and that costs a try each.
    """
    bench = signed_on()
    bench.ask(bench.inquiry({52: WRONG}))

    response = bench.ask(repeat_of(bench.inquiry()))

    assert "55" == response[39]
    assert (1, [1]) == (bench.memory.verifications, list(bench.memory.tries.values()))


@pytest.mark.parametrize(
    ("number", "value"),
    [(12, "142508"), (22, "021"), (42, "BNI000000000002"), (43, None), (48, de48(language="EN"))],
)
def test_other_content_under_the_key_is_refused(number: int, value: str | None) -> None:
    """
    The same key with any other element gets 94 and nothing of the first answer; the first
    stays what its own repeat gets.
    """
    bench = signed_on()
    first = bench.inquiry()
    bench.ask(first)
    kept = bench.sent[-1].payload

    response = bench.ask(bench.inquiry({number: value}))
    bench.ask(repeat_of(first))

    assert "94" == response[39]
    assert not {48, 54, 63} & response.elements.keys()
    assert kept == bench.sent[-1].payload


@pytest.mark.parametrize(
    ("number", "value"),
    [(7, "0630072508"), (11, "000124"), (37, "518107000124"), (41, "S1ABC124")],
)
def test_any_part_of_the_key_makes_it_new(number: int, value: str) -> None:
    """
    A request that differs in DE7, 11, 37 or 41 is another transaction with its own answer.
    """
    bench = signed_on()
    bench.ask(bench.inquiry())

    response = bench.ask(bench.inquiry({number: value}))

    assert "00" == response[39]
    assert 2 == len(commits(bench)) == bench.memory.verifications


def test_same_request_under_way_is_joined() -> None:
    """
    While the first still runs its repeat on another link waits with it; both get the same
    bytes, each behind its own header, from one look at the ledger.
    """
    bench = signed_on()
    bench.open(2)
    bench.sign_on(2)
    request = bench.inquiry()
    bench.holds = (FindAccount,)

    assert [] == bench.feed(bench.dialect.packager.pack(request), 1, b"one")
    assert [] == bench.feed(bench.dialect.packager.pack(repeat_of(request)), 2, b"two")
    bench.release()

    one, two = bench.sent[-2:]
    assert one.payload == two.payload
    assert [(1, b"one"), (2, b"two")] == [(send.link, send.header) for send in (one, two)]
    assert 1 == bench.memory.verifications == asked_kinds(bench).count("FindAccount")
    assert (0, 0) == (bench.in_flight_of(1), bench.in_flight_of(2))


def test_joined_line_hears_its_own_dialect() -> None:
    """
    A repeat that joins from a line of another dialect gets the answer as that line spells.
    """
    bench = signed_on()
    packed = Dialect.of(load_profile("bpjstk-jht-v1-bcd"))
    bench.perform(bench.switch.opened(2, "127.0.0.1:4002", packed, None, bench.now))
    bench.holds = (FindAccount,)
    bench.feed(bench.dialect.packager.pack(bench.inquiry()))

    for message in (network("001"), bench.inquiry()):
        frame = Frame(b"", packed.packager.pack(message))
        bench.perform(bench.switch.received(2, frame, bench.now))
    bench.release()

    one, two = bench.sent[-2:]
    assert one.payload != two.payload
    assert bench.dialect.packager.unpack(one.payload) == packed.packager.unpack(two.payload)


def test_other_request_under_way_is_refused() -> None:
    """
    Other content under a key that is still running gets 94 at once; the first goes on.
    """
    bench = signed_on()
    bench.holds = (FindAccount,)
    bench.feed(bench.dialect.packager.pack(bench.inquiry()))

    (refused,) = bench.feed(bench.dialect.packager.pack(bench.inquiry({22: "021"})))
    bench.release()

    assert "94" == refused[39]
    assert "00" == bench.dialect.packager.unpack(bench.sent[-1].payload)[39]


def test_repeat_is_found_while_another_request_takes_its_key() -> None:
    """An answered request's key is asked for by other content, which gets 94, and by a repeat."""
    bench = signed_on()
    first = bench.ask(bench.inquiry())
    pack = bench.dialect.packager.pack
    bench.holds = (FindRepeat,)
    bench.feed(pack(bench.inquiry({22: "021"})))
    bench.holds = ()

    again = bench.ask(bench.inquiry())
    bench.release()

    assert first == again
    assert "94" == bench.dialect.packager.unpack(bench.sent[-1].payload)[39]
    assert 0 == bench.in_flight_of(1)


def test_joined_link_that_left_hears_nothing() -> None:
    """
    Of two links that wait for one answer only the one still there is sent it.
    """
    bench = signed_on()
    bench.open(2)
    bench.sign_on(2)
    bench.holds = (FindAccount,)
    for link in (1, 2):
        bench.feed(bench.dialect.packager.pack(bench.inquiry()), link)
    before = len(bench.sent)

    bench.perform(bench.switch.closed(1, "gone"))
    bench.release()

    assert [2] == [send.link for send in bench.sent[before:]]


def test_format_error_is_never_stored() -> None:
    """
    A 30 is earned anew each time, so the corrected request under the same key is answered.
    """
    bench = signed_on()

    assert "30" == bench.ask(bench.inquiry({52: None}))[39]
    assert {} == bench.memory.stored
    assert "00" == bench.ask(bench.inquiry())[39]


def test_request_in_doubt_is_processed_anew() -> None:
    """
    Where the journal could not keep the answer the terminal saw 96; the repeat is judged
    again and gets the balance.
    """
    bench = signed_on()
    bench.memory.faults[Commit] = JournalUnavailable("the disk is full")

    assert "96" == bench.ask(bench.inquiry())[39]

    del bench.memory.faults[Commit]

    assert "00" == bench.ask(repeat_of(bench.inquiry()))[39]
    assert 2 == bench.memory.verifications


def test_stored_outage_is_repeated_not_retried() -> None:
    """
    A 91 is an answer like any other: its repeat is the same 91, a new key asks again.
    """
    bench = signed_on()
    bench.memory.faults[FindAccount] = LedgerUnavailable("away")
    bench.ask(bench.inquiry())
    bench.memory.faults.clear()

    assert "91" == bench.ask(repeat_of(bench.inquiry()))[39]
    assert "00" == bench.ask(bench.inquiry({11: "000124"}))[39]


def test_repeat_window_is_a_day() -> None:
    """
    The journal is asked for the last 24 hours: a repeat one second before they end gets
    the stored answer, one second after them it is a new request - with an old DE7.
    """
    bench = signed_on()
    request = bench.inquiry()
    bench.ask(request)

    bench.utc += timedelta(seconds=DAY - 1)
    inside = bench.ask(repeat_of(request))
    bench.utc += timedelta(seconds=2)
    outside = bench.ask(repeat_of(request))

    assert ("00", "68") == (inside[39], outside[39])
    since = [q.since for q in bench.memory.asked if isinstance(q, FindRepeat)]
    assert bench.utc - timedelta(seconds=DAY) == since[-1]


def test_conflict_under_a_key_leaves_no_answer() -> None:
    """
    The row of a 94 says so and keeps nothing for repeats.
    """
    bench = signed_on()
    bench.ask(bench.inquiry())
    bench.ask(bench.inquiry({22: "021"}))

    conflict = commits(bench)[-1].ending

    assert (Outcome.DUPLICATE, None) == (conflict.outcome, conflict.payload)


def test_key_belongs_to_who_signed_on() -> None:
    """
    An inquiry refused before sign-on is kept under no key: the same one is answered after.
    """
    bench = Bench()
    bench.link_card(PAN, BUDI, PIN)

    assert "58" == bench.ask(bench.inquiry())[39]

    bench.sign_on()

    assert "00" == bench.ask(bench.inquiry())[39]
