"""What is counted, under which labels, and that no peer can make up a label."""

from hypothesis import given
from hypothesis import strategies as st

from atm_switch.domain.errors import (
    JournalFull,
    JournalRefusesRow,
    JournalRowWrong,
    JournalUnavailable,
)
from atm_switch.domain.identifiers import AcquirerId
from atm_switch.domain.secret import Key
from atm_switch.security.key_ring import KeyName, KeyUsage, Ladder, LineKey
from atm_switch.server.meters import OTHER, SECONDS, Histogram, Meters, RequestKind
from atm_switch.server.spread import TICK_SECONDS
from atm_switch.switch.effects import Note
from atm_switch.switch.ports import FindRepeat, KeepKeys, RepeatKey, TakeNumbers
from tests.doubles.bench import GOLDEN_INSTANT


def transaction(**fields: object) -> Note:
    """A line of the log about a request."""
    return Note("transaction", {"outcome": "approved", "de39": "00", "acquirer": "009", **fields})


def test_request_is_counted_by_bank_and_outcome() -> None:
    """Kind, acquirer, outcome and code; its time under what it is, and the bank."""
    meters = Meters(["009"])

    meters.take(transaction(ms=12.0))

    assert {RequestKind("transaction", "009", "approved", "00"): 1} == meters.requests
    assert 0.012 == meters.request_seconds["transaction", "009"].total


@given(st.lists(st.text(max_size=20), max_size=50))
def test_made_up_banks_share_one_label(names: list[str]) -> None:
    """However many acquirers a peer names, there is one more label than banks."""
    meters = Meters(["009"])

    for name in names:
        meters.take(transaction(acquirer=name, ms=1.0))

    assert {kind.acquirer for kind in meters.requests} <= {"009", OTHER}
    assert meters.request_seconds.keys() <= {("transaction", "009"), ("transaction", OTHER)}
    assert len(names) == meters.requests.total()


def test_other_lines_are_counted_by_event() -> None:
    """A line that is no transaction counts under what happened."""
    meters = Meters()

    meters.take(Note("link opened", {"link": 1}))
    meters.take(Note("link opened", {"link": 2}))

    assert {"link opened": 2} == meters.events
    assert not meters.requests


@given(st.lists(st.floats(0, 100, allow_nan=False), max_size=100))
def test_histogram_counts_each_once_and_cumulates(taken: list[float]) -> None:
    """Every bucket holds what is not above its end; the last one holds all."""
    histogram = Histogram()

    for seconds in taken:
        histogram.add(seconds)

    buckets = histogram.buckets()
    assert ("+Inf", float(len(taken))) == buckets[-1]
    for (name, count), bound in zip(buckets, SECONDS, strict=False):
        assert (str(bound), float(sum(one <= bound for one in taken))) == (name, count)


def test_journal_is_well_again_after_a_success() -> None:
    """The last refusal is remembered until something was written."""
    meters = Meters()

    meters.journal_answered(0.5, 100.0, JournalUnavailable("away"))
    failed_at = [meters.journal_failed_at]
    meters.journal_answered(0.1, 101.0, None)
    failed_at.append(meters.journal_failed_at)

    assert [100.0, None] == failed_at
    assert ("+Inf", 2.0) == meters.journal_seconds.buckets()[-1]


def test_row_at_fault_says_nothing_of_the_journal() -> None:
    """Neither that it fails nor that it writes again: of one bad row no process is restarted."""
    meters = Meters()
    refuses = JournalRefusesRow("no: DataError")
    find = FindRepeat(RepeatKey("009", "S1ABC123", "0701120000", "000001", "1"), GOLDEN_INSTANT)

    meters.journal_answered(0.1, 100.0, refuses)
    meters.answered(TakeNumbers(), refuses, 100.0)
    meters.answered(find, JournalRowWrong("of another length"), 100.0)
    after_rows = [meters.journal_failed_at, meters.repeats_failed_at]
    meters.journal_answered(0.1, 101.0, JournalFull("SQLITE_FULL"))
    meters.answered(find, JournalUnavailable("away"), 101.0)
    meters.journal_answered(0.1, 102.0, refuses)
    meters.answered(find, JournalRowWrong("of another length"), 102.0)

    assert [None, None] == after_rows
    assert (101.0, 101.0) == (meters.journal_failed_at, meters.repeats_failed_at)
    assert meters.journal_is_full


def test_rows_at_fault_say_nothing_of_the_journal_however_many() -> None:
    """Those of one terminal may all be: who writes them tells them from a journal that fails."""
    meters = Meters()
    refuses = JournalRefusesRow("no: IntegrityConstraintViolation")
    find = FindRepeat(RepeatKey("009", "S1ABC123", "0701120000", "000001", "1"), GOLDEN_INSTANT)

    for second in range(1_000):
        meters.journal_answered(0.1, float(second), refuses)
        meters.answered(find, refuses, float(second))

    assert [None, None] == [meters.journal_failed_at, meters.repeats_failed_at]


def test_key_that_another_worker_does_not_take_up_says_nothing_of_the_journal() -> None:
    """Its change is 96; the rows are written all the same."""
    meters = Meters()
    ladder = Ladder(LineKey(Key(b"token"), "ABCDEF", is_clear=False))
    keep = KeepKeys(KeyName(KeyUsage.MAC, AcquirerId("009")), ladder, None)

    meters.answered(keep, JournalUnavailable("another worker does not take up a change"), 1.0)

    assert meters.journal_failed_at is None


def test_lag_keeps_its_worst_moment() -> None:
    """A tick that came late stays visible between two scrapes."""
    meters = Meters()

    meters.ticked(10.0, 0.7)
    meters.ticked(10.3, 0.01)

    assert (0.01, 0.7, 10.3) == (meters.loop_lag, meters.loop_lag_max, meters.ticked_at)


def test_every_tick_is_counted_by_how_late_it_came() -> None:
    """In buckets that tell 20 ms from more; one that came early came in time."""
    meters = Meters()
    for late in (-0.1, 0.019, 0.021, 0.099, 3.0):
        meters.ticked(10.0, late)

    counted = dict(meters.loop_late_seconds.buckets())

    assert [1, 2, 3, 4, 5] == [counted[le] for le in ("0.001", "0.02", "0.05", "0.1", "+Inf")]
    assert 3.139 == round(meters.loop_late_seconds.total, 6)


def test_loop_that_hangs_is_late_while_it_hangs() -> None:
    """The next tick is overdue by so much; one that comes in time is as late as it was."""
    meters = Meters()
    assert 0.0 == meters.late_by(1_000.0)

    meters.ticked(100.0, 0.02)

    assert 0.02 == meters.late_by(100.1)
    assert 17.0 == round(meters.late_by(117.0 + TICK_SECONDS), 6)


def test_eldest_question_tells_how_long_the_journal_is_silent() -> None:
    """A journal that answers some and not others is silent since the eldest of these."""
    meters = Meters()
    assert 0.0 == meters.journal_silent_for(100.0)

    meters.journal_asked_at |= {1: 90.0, 2: 95.0}
    assert 10.0 == meters.journal_silent_for(100.0)
    del meters.journal_asked_at[1]

    assert 5.0 == meters.journal_silent_for(100.0)


def test_doubts_are_counted_by_bank() -> None:
    """A request a crash took along is a request of its bank; a bank nobody knows is ``other``."""
    meters = Meters(["009"])

    meters.doubted({"009": 2, "made up": 1})

    assert {
        RequestKind("transaction", "009", "in_doubt", ""): 2,
        RequestKind("transaction", "other", "in_doubt", ""): 1,
    } == meters.requests
