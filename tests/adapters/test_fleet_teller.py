"""Of several machines one tells who is heard and who is silent, from what all of them heard."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest

from atm_switch.adapters.fleet_teller import FleetTeller
from atm_switch.adapters.shared_outbox import SharedOutbox
from atm_switch.domain.instant import Instant
from atm_switch.domain.outcome import Outcome
from atm_switch.switch.event import Announce
from atm_switch.switch.ports import Commit
from tests.doubles.journal_bench import NOON, ending_of, entry_of
from tests.doubles.postgres import PostgresServer
from tests.doubles.postgres_journal import PostgresJournalBench

SILENCE = 60.0
ACTIVE, SILENT = {"state": "active"}, "silent"


class Machine:
    """A node, and its share in telling; its clock shows seconds after noon."""

    def __init__(self, bench: PostgresJournalBench, silence: float = SILENCE) -> None:
        """Wait to be elected."""
        self.bench = bench
        self.outbox = SharedOutbox(bench.url, "switch")
        self.now = 0.0
        self.told: list[dict[str, object]] = []
        self.refuses = False
        """Whether its writer takes nothing."""
        self.teller = FleetTeller(self.outbox, "switch", silence, self._announce, self._clock)

    def _clock(self) -> Instant:
        return Instant(NOON + timedelta(seconds=self.now), 5000.0 + self.now)

    def _announce(self, told: Iterable[Announce]) -> None:
        for one in told:
            if self.refuses:
                self.teller.begin_anew()
                continue
            self.bench.ask(one)
            self.told.append(dict(one.body))

    def look(self, now: float) -> None:
        """Look so many seconds after noon."""
        self.now = now
        self.teller.look()

    def hears(self, number: int, outcome: Outcome = Outcome.APPROVED) -> None:
        """Answer a request of the one terminal, at noon."""
        self.bench.ask(Commit(entry_of(number), ending_of(outcome=outcome), None))


@pytest.fixture
def pair(postgres: PostgresServer) -> Iterator[tuple[Machine, Machine]]:
    """Start two machines."""
    url = postgres.empty()
    with ExitStack() as running:
        one = running.enter_context(PostgresJournalBench(url))
        two = running.enter_context(PostgresJournalBench(url, "two", one.vault))
        machines = Machine(one), Machine(two)
        for machine in machines:
            running.callback(machine.outbox.close)
        yield machines


def test_terminal_heard_by_both_is_told_once(pair: tuple[Machine, Machine]) -> None:
    """Active when it is first heard anywhere, silent once when it is heard nowhere any more."""
    one, two = pair
    one.look(0)
    for number, machine in enumerate((two, one, two)):
        machine.hears(number)
        one.look(number)
        two.look(number)
    one.look(61)
    one.look(62)
    two.look(62)
    one.look(200)

    assert [ACTIVE, {"state": SILENT, "silent_seconds": 60}] == one.told
    assert [] == two.told
    assert (0, None) == (one.teller.terminals, two.teller.terminals)


def test_terminal_that_talks_to_another_machine_is_not_silent(
    pair: tuple[Machine, Machine],
) -> None:
    """The elected never hears it itself, and yet knows that it is there."""
    one, two = pair
    one.look(0)
    for number in range(5):
        two.hears(number)
        one.look(40.0 * number)

    assert [ACTIVE] == one.told
    assert 1 == one.teller.terminals


@pytest.mark.parametrize(("at", "told"), [(59, []), (61, [61])])
def test_next_teller_counts_from_when_it_was_heard(
    pair: tuple[Machine, Machine], at: float, told: list[int]
) -> None:
    """Elected in between, it tells the silence at the time it is due, and not anew."""
    one, two = pair
    one.hears(1)
    one.look(1)
    one.outbox.close()

    two.look(at - 20)
    two.look(at)

    assert [ACTIVE] == one.told
    assert told == [one["silent_seconds"] for one in two.told]


def test_silence_that_nobody_told_is_told_by_the_next(pair: tuple[Machine, Machine]) -> None:
    """No machine was there to tell it: the first elected does, once."""
    one, two = pair
    one.hears(1)
    one.look(1)
    one.outbox.close()

    two.look(1000)
    two.look(1001)

    assert [{"state": SILENT, "silent_seconds": 60}] == two.told


def test_terminal_heard_before_anybody_was_elected_is_active(
    pair: tuple[Machine, Machine],
) -> None:
    """With the time it was heard: silence is counted from there."""
    one, two = pair
    two.hears(1)
    one.look(30)
    one.look(61)

    assert [ACTIVE, {"state": SILENT, "silent_seconds": 61}] == one.told


def test_request_that_proves_nothing_is_not_heard(pair: tuple[Machine, Machine]) -> None:
    """Anybody may name a terminal in a request that is refused for its form."""
    one, two = pair
    one.look(0)
    two.hears(1, Outcome.FORMAT_ERROR)
    one.look(1)

    assert [] == one.told


def test_elected_anew_the_watch_is_set_up_anew(pair: tuple[Machine, Machine]) -> None:
    """What the other told meanwhile is not told again."""
    one, two = pair
    one.look(0)
    one.hears(1)
    one.look(1)
    one.outbox._thread.begin(one.outbox._drop).result()  # its connection is lost
    two.look(61)
    one.look(61)
    two.outbox.close()
    one.look(62)

    assert [ACTIVE] == one.told
    assert [{"state": SILENT, "silent_seconds": 60}] == two.told
    assert 0 == one.teller.terminals
    assert 2 == one.outbox.term


@pytest.mark.parametrize("is_elsewhere", [False, True])
def test_change_that_was_not_written_is_told_all_the_same(
    pair: tuple[Machine, Machine], *, is_elsewhere: bool
) -> None:
    """
    A terminal is heard, and silent, while the writer takes nothing: both are told once it does,
    or by the machine that is elected by then; and by nobody twice.
    """
    one, two = pair
    one.look(0)
    one.hears(1)
    one.refuses = True
    one.look(1)
    one.refuses = False
    one.look(2)
    one.refuses = True
    one.look(62)
    one.refuses = False
    if is_elsewhere:
        one.outbox.close()
    teller = two if is_elsewhere else one
    for second in (63, 64, 200):
        teller.look(second)

    silent = {"state": SILENT, "silent_seconds": 60}
    assert [ACTIVE, silent] == [*one.told, *two.told]
    assert (silent in two.told) == is_elsewhere


def test_without_a_bound_silence_is_never_told(pair: tuple[Machine, Machine]) -> None:
    """``silence_seconds = 0``; who is active is told all the same."""
    one = Machine(pair[0].bench, 0)
    one.look(0)
    one.hears(1)
    one.look(1)
    one.look(100_000)
    one.outbox.close()

    assert [ACTIVE] == one.told
