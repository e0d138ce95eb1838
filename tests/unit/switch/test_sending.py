"""What leaves is told once and costs nothing; what does not leave the journal hears of."""

import pytest

from atm_switch.domain.errors import JournalRefusesRow, JournalUnavailable
from atm_switch.switch.ports import Commit, FindAccount, RepeatKey
from atm_switch.switch.untold import LATE, NOT_SENT, ToldAgain, Untold
from atm_switch.wire.message import IsoMessage
from tests.doubles.bench import GOLDEN_INSTANT, Bench
from tests.doubles.inquiries import commits, signed_on

KEY = RepeatKey("009", "S1ABC123", "0630072507", "000123", "518107000123")
GIVEN_UP_SECONDS = 9.5
"""Longer than a request may take, and its ending."""
LATE_BY = 11.0


def told(bench: Bench) -> list[Untold | ToldAgain]:
    """What the journal was asked to note."""
    return [one for one in bench.memory.asked if isinstance(one, Untold | ToldAgain)]


def held(bench: Bench, *kinds: type) -> IsoMessage:
    """Ask, with the answers to some questions kept back."""
    bench.holds = kinds
    asked = bench.inquiry()
    bench.feed(bench.dialect.packager.pack(asked))
    return asked


def test_answer_that_leaves_asks_nothing() -> None:
    """The usual way costs no word to the journal."""
    bench = signed_on()

    bench.ask(bench.inquiry())

    assert [] == told(bench)


def test_answer_whose_link_is_gone_is_noted() -> None:
    """Under the request's whole key and its receipt, behind its row."""
    bench = signed_on()
    held(bench, FindAccount)
    bench.perform(bench.switch.closed(1, "gone"))

    bench.release()

    assert [Untold(KEY, GOLDEN_INSTANT, NOT_SENT)] == told(bench)
    assert ["Commit", "Untold"] == [type(one).__name__ for one in bench.memory.asked[-2:]]


def test_answer_that_is_too_late_is_noted() -> None:
    """A switch that stood still says nothing to the terminal, and the journal knows."""
    bench = signed_on()
    held(bench, Commit)
    bench.monotonic += LATE_BY

    bench.release()

    assert [Untold(KEY, GOLDEN_INSTANT, LATE)] == told(bench)


def test_row_the_journal_does_not_confirm_in_time_is_noted() -> None:
    """The terminal is told 96, whatever the row says; the note is asked for at once."""
    bench = signed_on()
    held(bench, Commit)

    bench.pass_time(GIVEN_UP_SECONDS)

    assert "96" == bench.dialect.packager.unpack(bench.sent[-1].payload)[39]
    assert [Untold(KEY, GOLDEN_INSTANT, LATE)] == told(bench)


def test_repeat_that_is_answered_takes_the_note_back() -> None:
    """The terminal has its answer now, on whichever link."""
    bench = signed_on()
    asked = held(bench, FindAccount)
    bench.perform(bench.switch.closed(1, "gone"))
    bench.release()
    bench.open(2)
    bench.sign_on(2)

    assert "00" == bench.ask(IsoMessage("0201", asked.elements), 2)[39]

    assert [Untold(KEY, GOLDEN_INSTANT, NOT_SENT), ToldAgain(KEY)] == told(bench)
    assert {} == bench.memory.untold


def test_answer_to_who_joined_takes_the_note_back() -> None:
    """The first's link is gone; the same request came in over another one meanwhile."""
    bench = signed_on()
    bench.open(2)
    bench.sign_on(2)
    asked = held(bench, FindAccount)
    bench.feed(bench.dialect.packager.pack(asked), 2)
    bench.perform(bench.switch.closed(1, "gone"))

    bench.release()

    assert 2 == bench.sent[-1].link
    assert [Untold(KEY, GOLDEN_INSTANT, NOT_SENT), ToldAgain(KEY)] == told(bench)
    assert 1 == len(commits(bench))


def test_who_joined_and_is_told_otherwise_takes_nothing_back() -> None:
    """Both are told 96, whatever row B says: nobody has the answer that the journal keeps."""
    bench = signed_on()
    bench.open(2)
    bench.sign_on(2)
    asked = held(bench, Commit)
    bench.feed(bench.dialect.packager.pack(asked), 2)

    bench.pass_time(GIVEN_UP_SECONDS)

    codes = [bench.dialect.packager.unpack(one.payload)[39] for one in bench.sent[-2:]]
    assert ["96", "96"] == codes
    assert [Untold(KEY, GOLDEN_INSTANT, LATE)] == told(bench)


def test_message_without_a_row_is_not_noted() -> None:
    """A sign-on whose link is gone has no key and no row."""
    bench = Bench()
    request = IsoMessage("0800", {7: "0630072507", 11: "000001", 70: "001"})
    bench.holds = (object,)
    bench.feed(bench.dialect.packager.pack(request))
    bench.perform(bench.switch.closed(1, "gone"))

    bench.release()

    assert [] == told(bench)
    assert "unsent" in bench.notes[-1].fields


@pytest.mark.parametrize("ticks", [1, 3])
def test_journal_that_is_away_is_asked_again(ticks: int) -> None:
    """At every tick until it has the note; the request itself is long over."""
    bench = signed_on()
    held(bench, FindAccount)
    bench.perform(bench.switch.closed(1, "gone"))
    bench.memory.faults[Untold] = JournalUnavailable("away")
    bench.release()
    for _ in range(ticks):
        bench.pass_time(0.1)
    assert {} == bench.memory.untold

    bench.memory.faults.clear()
    for _ in range(2):
        bench.pass_time(0.1)

    assert {KEY: NOT_SENT} == bench.memory.untold
    assert 2 + ticks == len(told(bench))


def test_note_the_journal_will_never_take_is_told_in_the_log() -> None:
    """Asked once; the log has whose answer nobody heard of."""
    bench = signed_on()
    held(bench, FindAccount)
    bench.perform(bench.switch.closed(1, "gone"))
    bench.memory.faults[Untold] = JournalRefusesRow("the journal could not write: DataError")

    bench.release()
    bench.pass_time(0.1)

    (said,) = [note for note in bench.notes if note.event == "note given up"]
    assert ("000123", "the journal could not write: DataError") == (
        said.fields["stan"], said.fields["reason"]
    )  # fmt: skip
    assert 1 == len(told(bench))


def test_answers_a_link_had_not_sent_when_it_ended_are_noted() -> None:
    """They counted as sent: each is taken back, once, and the log says how many they were."""
    bench = signed_on()
    bench.ask(bench.inquiry())
    entry = bench.sent[-1].entry
    assert entry is not None

    bench.perform(bench.switch.closed(1, "broken", [entry, entry]))

    assert [Untold(KEY, GOLDEN_INSTANT, NOT_SENT)] == told(bench)
    assert 2 == bench.notes[-1].fields["answers_not_sent"]


def test_word_of_our_own_belongs_to_no_row() -> None:
    """What is no answer to an inquiry has nothing to be noted."""
    bench = signed_on()

    assert [None] == [one.entry for one in bench.sent]
