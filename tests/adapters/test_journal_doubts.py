"""Requests in doubt on a real file: whatever happens in between, the books add up."""

import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from atm_switch.adapters import journal_doubts
from atm_switch.adapters.journal_doubts import SettleDoubts
from atm_switch.adapters.journal_reader import JournalReader
from atm_switch.adapters.outbox_reader import OutboxReader
from atm_switch.domain.outcome import IN_DOUBT
from atm_switch.switch.ports import Commit, FindRepeat, Reserve
from tests.doubles.journal_bench import JournalBench, card_of, ending_of, entry_of, key_of, since

CARDS = st.integers(1, 2)
TRIES_MAX = 3


class DoubtMachine(RuleBasedStateMachine):
    """Requests, deaths and starts in any order, beside a model of a few counts."""

    def __init__(self) -> None:
        """Open an empty journal."""
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="atm-doubts-")
        self.bench = JournalBench(Path(self.folder.name) / "journal.db")
        self.bench.__enter__()
        self.number = self.received = self.through = 0
        self.under_way: dict[int, tuple[int, int]] = {}
        """Requests without an ending, of this run: row A and card by number."""
        self.left: dict[int, int] = {}
        """Those of runs before: row A by number."""
        self.ended = Counter[str]()
        self.doubtful: set[int] = set()
        self.tries = Counter[int]()

    def teardown(self) -> None:
        """Hold the whole journal against its chain."""
        with self.bench.reader() as reader:
            assert reader.verify(self.bench.vault).is_sound
        self.bench.__exit__()
        self.folder.cleanup()

    @rule(card=CARDS)
    def reserve(self, card: int) -> None:
        """A request comes in."""
        self.number += 1
        reserved = self.bench.reserve(Reserve(entry_of(self.number, card_of(card)), TRIES_MAX))
        self.received += 1
        self.tries[card] += self.tries[card] < TRIES_MAX
        self.under_way[self.number] = reserved.sequence, card

    @rule(data=st.data(), is_right=st.booleans())
    def commit(self, data: st.DataObject, *, is_right: bool) -> None:
        """A request under way ends."""
        if not self.under_way:
            return
        number = data.draw(st.sampled_from(sorted(self.under_way)))
        sequence, card = self.under_way.pop(number)
        ending = ending_of(b"%d" % number, resets_tries=is_right)
        assert self.bench.ask(Commit(entry_of(number, card_of(card)), ending, sequence)) is None
        self.ended["answered"] += 1
        if is_right:
            self.tries[card] = 0

    @rule()
    def die_and_start(self) -> None:
        """All that was under way is in doubt; the next run may end whatever is there."""
        self.left |= {number: sequence for number, (sequence, _) in self.under_way.items()}
        self.under_way.clear()
        self.bench.reopen()
        self.through = self.bench.ask(SettleDoubts(0)).last

    @rule()
    def settle(self) -> None:
        """Look through the next rows of the runs before."""
        settled = self.bench.ask(SettleDoubts(self.through))
        now = {n for n, sequence in self.left.items() if sequence <= settled.mark}
        assert len(now) == len(settled.ended)
        self.doubtful |= now
        self.left = {n: seq for n, seq in self.left.items() if n not in now}
        self.ended[IN_DOUBT] += len(now)

    @invariant()
    def books_add_up(self) -> None:
        """Received = answered + in doubt + under way; every ending is one event."""
        with self.bench.reader() as reader:
            rows = reader.follow(0)
            of_day = reader.reconcile("009", entry_of(1).business_date)
            tries = {card: reader.tries(card_of(card)) for card in (1, 2)}
        endings = [row for row in rows if not row.is_reservation]
        assert self.received == len(rows) - len(endings)
        assert self.ended["answered"] == of_day.answered
        assert self.received - self.ended["answered"] == of_day.in_doubt
        assert self.ended[IN_DOUBT] == sum(row.outcome == IN_DOUBT for row in endings)
        assert {1: self.tries[1], 2: self.tries[2]} == tries
        with OutboxReader(self.bench.path, "switch") as outbox:
            assert len(endings) == len(outbox.since(0, 10_000).events)

    @invariant()
    def doubtful_request_is_processed_anew(self) -> None:
        """There is no answer to repeat where nobody knows what was answered."""
        for number in self.doubtful:
            assert self.bench.find(FindRepeat(key_of(number), since(1))) is None


TestDoubtMachine = DoubtMachine.TestCase
TestDoubtMachine.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)


def test_long_journal_is_looked_through_a_page_at_a_time(tmp_path: Path) -> None:
    """
    However many rows there are, one question looks at so many; all doubts are found at last.
    """
    with JournalBench(tmp_path / "journal.db") as bench:
        at = journal_doubts.ROWS_AT_ONCE
        doubtful = {1, at, at + 1, 2 * at + 5}
        reserved = [bench.send(Reserve(entry_of(n), 3)) for n in sorted(doubtful) if n == 1]
        fill(bench, 2, at)
        reserved += [bench.send(Reserve(entry_of(n), 3)) for n in (at, at + 1)]
        fill(bench, at + 2, 2 * at + 5)
        reserved.append(bench.send(Reserve(entry_of(2 * at + 5), 3)))
        assert doubtful == {token.result(30).sequence for token in reserved}

        pages = [bench.ask(SettleDoubts(2 * at + 5)) for _ in range(3)]

    assert [at, 2 * at, 2 * at + 5] == [page.mark for page in pages]
    assert [2, 1, 1] == [len(page.ended) for page in pages]
    with JournalReader(bench.path) as reader:
        assert () == reader.in_doubt()


def fill(bench: JournalBench, first: int, beyond: int) -> None:
    """Write endings only, as under the policy that the bank has verified the PIN."""
    tokens = [bench.send(Commit(entry_of(n), ending_of(None), None)) for n in range(first, beyond)]
    for token in tokens:
        assert token.result(30) is None
