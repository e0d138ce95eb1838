"""Many guesses at once: the tries of a card are counted exactly, whoever races whom."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from atm_switch.switch.ports import Commit, Reservation, Reserve
from tests.doubles.journal_bench import (
    ANSWER_SECONDS_MAX,
    JournalBench,
    Token,
    card_of,
    ending_of,
    entry_of,
)

THREADS = 8
GUESSES = 1_000
TRIES_MAX = 3


def guess(bench: JournalBench, cards: int) -> list[Reservation]:
    """Have eight threads send a thousand reservations, spread over so many cards."""

    def send(thread: int) -> list[Token]:
        return [
            bench.send(Reserve(entry_of(number, card_of(number % cards)), TRIES_MAX))
            for number in range(thread, GUESSES, THREADS)
        ]

    with ThreadPoolExecutor(THREADS) as pool:
        tokens = [token for sent in pool.map(send, range(THREADS)) for token in sent]
    return [token.result(ANSWER_SECONDS_MAX) for token in tokens]


def test_thousand_guesses_are_granted_three_tries(tmp_path: Path) -> None:
    """
    Of a thousand reservations for one card from eight threads exactly three are granted,
    as try 1, 2 and 3; all thousand are rows, without a gap.
    """
    with JournalBench(tmp_path / "journal.db") as bench:
        answers = guess(bench, cards=1)

        with bench.reader() as reader:
            used, rows = reader.tries(card_of(0)), reader.verify(bench.vault)

    assert [1, 2, 3] == sorted(answer.tries for answer in answers if answer.granted)
    assert TRIES_MAX == max(answer.tries for answer in answers) == used
    assert list(range(1, GUESSES + 1)) == sorted(answer.sequence for answer in answers)
    assert (GUESSES, True) == (rows.rows, rows.is_sound)


def test_guesses_at_many_cards_are_counted_apart(tmp_path: Path) -> None:
    """
    Spread over fifty cards, each card is granted its own three and no more.
    """
    with JournalBench(tmp_path / "journal.db") as bench:
        answers = guess(bench, cards=50)

        with bench.reader() as reader:
            granted = Counter(row.card_digest for row in reader.tail(GUESSES) if row.pin_granted)

    assert 50 * TRIES_MAX == sum(answer.granted for answer in answers)
    assert {TRIES_MAX} == set(granted.values())


def test_restart_gives_no_fresh_tries(tmp_path: Path) -> None:
    """
    After a restart a thousand more guesses are granted nothing, until a right PIN resets.
    """
    with JournalBench(tmp_path / "journal.db") as bench:
        guess(bench, cards=1)
        bench.reopen()

        second = guess(bench, cards=1)
        bench.ask(Commit(entry_of(1, card_of(0)), ending_of(resets_tries=True), None))
        third = guess(bench, cards=1)

    assert 0 == sum(answer.granted for answer in second)
    assert TRIES_MAX == sum(answer.granted for answer in third)
