"""The queue before a writer: what is rung for is written, and nothing before."""

from pathlib import Path
from threading import Condition, Event

from atm_switch.adapters.journal_writer import JournalWriter, OnBatch
from atm_switch.switch.ports import Commit
from tests.doubles.journal_bench import (
    ANSWER_SECONDS_MAX,
    JournalBench,
    Token,
    ending_of,
    entry_of,
    hold_writer,
)


class WatchedBell(Condition):
    """Tells when the writer goes to sleep."""

    def __init__(self) -> None:
        """Begin awake."""
        super().__init__()
        self.sleeps = Event()

    def wait(self, timeout: float | None = None) -> bool:
        """Tell, then sleep."""
        self.sleeps.set()
        return super().wait(timeout)


def submitted(bench: JournalBench, number: int, *, rings: bool = False) -> Token:
    """Queue one row."""
    token = Token()
    bench.writer.submit(Commit(entry_of(number), ending_of(), None), token, rings=rings)
    return token


class WatchedWriter(JournalWriter[Token]):
    """A writer whose bell is watched."""

    def start(self, on_batch: OnBatch[Token]) -> None:
        """Begin to write, watched."""
        self._bell = self.bell = WatchedBell()
        super().start(on_batch)


def test_a_busy_writer_takes_no_row_that_nobody_rang_for(tmp_path: Path) -> None:
    """
    Rows put while it wrote wait for the end of the loop's turn, and are one commit then.
    """
    with JournalBench(tmp_path / "journal.db", make=WatchedWriter) as bench:
        assert isinstance(bench.writer, WatchedWriter)
        bell = bench.writer.bell
        gate = hold_writer(bench)
        tokens = [submitted(bench, number) for number in (1, 2)]

        bell.sleeps.clear()
        gate.open.set()
        assert bell.sleeps.wait(ANSWER_SECONDS_MAX)
        assert 2 == bench.writer.waiting

        tokens.append(submitted(bench, 3, rings=True))
        for token in tokens:
            token.result(ANSWER_SECONDS_MAX)

    assert [1, 3] == [len(batch) for batch in bench.batches]


def test_stop_writes_what_nobody_rang_for(tmp_path: Path) -> None:
    """
    Whatever waits is written before the writer ends, rung for or not.
    """
    with JournalBench(tmp_path / "journal.db") as bench:
        tokens = [submitted(bench, number) for number in (1, 2)]

    assert [None, None] == [token.result(ANSWER_SECONDS_MAX) for token in tokens]
