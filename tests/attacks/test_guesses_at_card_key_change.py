"""Guesses while the card key is changed: a new layer gives no card another three looks."""

from pathlib import Path
from typing import Any

import pytest

from atm_switch.adapters.journal_batch import Unblock
from atm_switch.domain.card import Pan
from atm_switch.domain.secret import Key
from atm_switch.switch.ports import Commit, FindRepeat, Reserve
from tests.doubles.bench import PAN, PIN, Bench
from tests.doubles.journal_bench import JournalBench, entry_of
from tests.doubles.memory import Memory

TRIES_MAX = 3
PARALLEL = 20
LAYER, ANOTHER = Key(bytes(range(32))), Key(bytes(range(100, 132)))


class JournalledMemory(Memory):
    """Neighbours in memory, but for the journal's writer, which is the real one."""

    def use(self, journal: JournalBench) -> None:
        """Count tries there."""
        self._journal = journal

    def _Reserve(self, question: Reserve) -> Any:  # noqa: N802
        return self._journal.ask(question)

    def _Commit(self, question: Commit) -> None:  # noqa: N802
        self._journal.ask(question)


def journalled(path: Path) -> tuple[Bench, JournalBench]:
    """Set up a bench, signed on, and the real journal, to be started, that counts its tries."""
    bench = Bench()
    journal = JournalBench(path / "journal.db", bench.vault)
    neighbours = JournalledMemory(bench.vault, cards=bench.memory.cards)
    neighbours.persons, neighbours.histories = bench.memory.persons, bench.memory.histories
    neighbours.use(journal)
    bench.memory = neighbours
    bench.sign_on()
    return bench, journal


def guess(bench: Bench, number: int, pin: str | None = None) -> bytes:
    """Write a request of its own; a wrong PIN unless one is given."""
    block = bench.pin_block(pin or f"99{number:04d}")
    message = bench.inquiry({11: f"{number:06d}", 37: f"5181070{number:05d}", 52: block})
    return bench.dialect.packager.pack(message)


def codes(bench: Bench, payloads: list[bytes]) -> list[str]:
    """Feed requests one after the other and return what they were answered."""
    return [message[39] for payload in payloads for message in bench.feed(payload)]


def lay(bench: Bench, layer: Key) -> None:
    """Put a new card key into the running switch, as SIGHUP does."""
    bench.house.vault = bench.house.vault.with_card_layer(layer)


def released(bench: Bench) -> list[str]:
    """Let what was held go on and return the codes it was answered with."""
    before = len(bench.sent)
    bench.release()
    return [bench.dialect.packager.unpack(one.payload)[39] for one in bench.sent[before:]]


@pytest.mark.parametrize("tried", [0, 1, 2, 3])
def test_new_layer_gives_no_more_than_three(tmp_path: Path, tried: int) -> None:
    """
    Twenty guesses held while a layer is laid, and four after it: three looks in all.
    """
    bench, journal = journalled(tmp_path)
    with journal:
        codes(bench, [guess(bench, number) for number in range(tried)])
        bench.holds = (FindRepeat,)
        for number in range(100, 100 + PARALLEL):
            bench.feed(guess(bench, number))
        lay(bench, LAYER)

        held = released(bench)
        later = codes(bench, [guess(bench, number) for number in range(200, 204)])

    assert ["91"] * PARALLEL == held
    assert TRIES_MAX == bench.memory.verifications
    assert ["55"] * (TRIES_MAX - tried) + ["75"] * (1 + tried) == later


def test_guesses_before_and_between_layers_add_up(tmp_path: Path) -> None:
    """
    One guess under each of three card keys is three; a right PIN is not looked at then.
    """
    bench, journal = journalled(tmp_path)
    with journal:
        first = codes(bench, [guess(bench, 1)])
        lay(bench, LAYER)
        second = codes(bench, [guess(bench, 2)])
        lay(bench, ANOTHER)
        rest = codes(bench, [guess(bench, 3), guess(bench, 4, PIN)])

    assert ["55", "55", "55", "75"] == first + second + rest
    assert TRIES_MAX == bench.memory.verifications


def test_right_pin_clears_what_older_keys_counted(tmp_path: Path) -> None:
    """
    A right PIN under the new card key forgives the guesses under the old one.
    """
    bench, journal = journalled(tmp_path)
    with journal:
        codes(bench, [guess(bench, 1), guess(bench, 2)])
        lay(bench, LAYER)
        answered = codes(
            bench,
            [guess(bench, 3, PIN), *(guess(bench, number) for number in range(4, 8))],
        )

    assert ["00", "55", "55", "55", "75"] == answered


def test_request_without_count_is_not_looked_at(tmp_path: Path) -> None:
    """
    Even a right PIN that meets a change of the card key is 91, and costs no try.
    """
    bench, journal = journalled(tmp_path)
    with journal:
        bench.holds = (FindRepeat,)
        bench.feed(guess(bench, 1, PIN))
        lay(bench, LAYER)

        held = released(bench)
        with journal.reader() as reader:
            tried = [reader.tries(ref) for ref in bench.house.vault.card_refs(Pan(PAN))]

    assert (["91"], 0, [0, 0]) == (held, bench.memory.verifications, tried)


def test_card_named_as_its_own_former_keeps_tries(tmp_path: Path) -> None:
    """
    The journal neither doubles nor forgets the tries of a card that is among its formers.
    """
    with JournalBench(tmp_path / "journal.db") as journal:
        entry = entry_of(1)
        card = entry.card
        assert card is not None

        counted = [
            journal.reserve(Reserve(entry, TRIES_MAX, (card,))).tries for _ in range(TRIES_MAX + 1)
        ]
        lifted = journal.ask(Unblock(card, "user test", entry.pan_masked, (card,)))

    assert [1, 2, 3, 3] == counted
    assert TRIES_MAX == lifted


def test_frequency_of_a_card_outlives_its_key() -> None:
    """
    A card that asks too often still does after a new layer was laid over its hash.
    """
    bench = Bench(inquiries_per_card_per_hour=2)
    bench.sign_on()
    before = codes(bench, [guess(bench, number, PIN) for number in (1, 2)])

    lay(bench, LAYER)
    after = codes(bench, [guess(bench, 3, PIN)])

    assert (["00", "00"], ["65"]) == (before, after)
