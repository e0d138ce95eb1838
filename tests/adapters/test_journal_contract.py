"""What every journal must do, whatever it is made of: a file, or PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from atm_switch.adapters.journal_doubts import Settled, SettleDoubts
from atm_switch.domain.errors import JournalUnavailable
from atm_switch.domain.outcome import Outcome
from atm_switch.switch.ports import (
    Commit,
    FindRepeat,
    ProveWriting,
    Reservation,
    Reserve,
    StoredResponse,
)
from tests.doubles.journal_bench import JournalBench, card_of, ending_of, entry_of, key_of, since
from tests.doubles.postgres import PostgresServer
from tests.doubles.postgres_journal import PostgresJournalBench


class Journal(Protocol):
    """The port as a test sees it."""

    def ask(self, question: Reserve | Commit | SettleDoubts | ProveWriting) -> Any:
        """Put a question to the writer and wait."""

    def find(self, question: FindRepeat) -> StoredResponse | None:
        """Look for a repeat."""

    def reopen(self) -> None:
        """Stop and start again."""


class JournalContract:
    """The claims; a subclass has the fixture ``journal``."""

    def test_proof_that_it_can_write_is_given_and_leaves_nothing(self, journal: Journal) -> None:
        """Alone and among others; the next row has the number it would have had."""
        alone = journal.ask(ProveWriting())
        journal.ask(Reserve(entry_of(1), tries_max=3))
        again = journal.ask(ProveWriting())
        second = journal.ask(Reserve(entry_of(2), tries_max=3))

        assert (None, None) == (alone, again)
        assert Reservation(sequence=2, tries=1, granted=True) == second

    def test_first_reservation_counts_one_try(self, journal: Journal) -> None:
        """The first A has sequence 1, counts one try and is granted."""
        answer = journal.ask(Reserve(entry_of(1), tries_max=3))

        assert Reservation(sequence=1, tries=1, granted=True) == answer

    def test_tries_above_the_maximum_are_refused(self, journal: Journal) -> None:
        """The fourth reservation of a card is written but neither granted nor counted."""
        card = card_of(7)

        answers = [journal.ask(Reserve(entry_of(n, card), 3)) for n in range(1, 6)]

        assert [1, 2, 3, 3, 3] == [answer.tries for answer in answers]
        assert [True, True, True, False, False] == [answer.granted for answer in answers]
        assert [1, 2, 3, 4, 5] == [answer.sequence for answer in answers]

    def test_tries_of_cards_are_counted_apart(self, journal: Journal) -> None:
        """Using up one card's tries leaves another card's alone."""
        for number in (1, 2, 3):
            journal.ask(Reserve(entry_of(number, card_of(1)), 3))

        answer = journal.ask(Reserve(entry_of(4, card_of(2)), 3))

        assert (1, True) == (answer.tries, answer.granted)

    def test_right_pin_clears_the_tries(self, journal: Journal) -> None:
        """After an ending that resets, the next reservation is the first try again."""
        entry = entry_of(1, card_of(1))
        reserved = journal.ask(Reserve(entry, 3))
        journal.ask(Commit(entry, ending_of(resets_tries=True), reserved.sequence))

        answer = journal.ask(Reserve(entry_of(2, card_of(1)), 3))

        assert 1 == answer.tries

    @pytest.mark.parametrize(("before", "behind"), [(0, 0), (2, 0), (0, 1)])
    def test_try_nobody_looked_at_is_given_back(
        self, journal: Journal, before: int, behind: int
    ) -> None:
        """An ending that returns its try leaves the card all others, none too, restart or not."""
        for number in (1, 2)[:before]:
            journal.ask(Reserve(entry_of(number, card_of(1)), 3))
        entry = entry_of(3, card_of(1))
        reserved = journal.ask(Reserve(entry, 3))
        for number in (4, 5)[:behind]:
            journal.ask(Reserve(entry_of(number, card_of(1)), 3))

        journal.ask(Commit(entry, ending_of(returned_try=reserved.tries), reserved.sequence))
        journal.reopen()

        answer = journal.ask(Reserve(entry_of(6, card_of(1)), 3))
        assert (before + behind + 1, True) == (answer.tries, answer.granted)

    def test_try_cleared_meanwhile_is_not_returned(self, journal: Journal) -> None:
        """Tries cleared between reservation and ending took this one along: none is given twice."""
        entry = entry_of(1, card_of(1))
        reserved = journal.ask(Reserve(entry, 3))
        journal.ask(Commit(entry_of(2, card_of(1)), ending_of(resets_tries=True), None))

        journal.ask(Commit(entry, ending_of(returned_try=reserved.tries), reserved.sequence))

        assert 1 == journal.ask(Reserve(entry_of(3, card_of(1)), 3)).tries

    def test_try_behind_those_cleared_is_not_returned(self, journal: Journal) -> None:
        """Nor is one counted since: the second of two is gone, whatever is tried anew."""
        first, second = (journal.ask(Reserve(entry_of(n, card_of(1)), 3)) for n in (1, 2))
        journal.ask(Commit(entry_of(1, card_of(1)), ending_of(resets_tries=True), first.sequence))
        journal.ask(Reserve(entry_of(3, card_of(1)), 3))

        ending = ending_of(returned_try=second.tries)
        journal.ask(Commit(entry_of(2, card_of(1)), ending, second.sequence))

        assert 2 == journal.ask(Reserve(entry_of(4, card_of(1)), 3)).tries

    def test_tries_follow_the_card_to_its_newest_key(self, journal: Journal) -> None:
        """What was tried under an older card key counts under the newest, once."""
        old, new = card_of(1), card_of(2)
        for number in (1, 2):
            journal.ask(Reserve(entry_of(number, old), 3))

        answers = [journal.ask(Reserve(entry_of(at, new), 3, (old,))) for at in (3, 4)]

        assert [(3, True), (3, False)] == [(one.tries, one.granted) for one in answers]

    def test_older_key_is_closed_once_the_newest_was_used(self, journal: Journal) -> None:
        """
        Who has not read the newest card key yet is granted no try of a card that has moved
        to it, whatever becomes of a request under way, and so no fourth is looked at.
        """
        old, new = card_of(1), card_of(2)
        under_way = journal.ask(Reserve(entry_of(1, old), 3))
        journal.ask(Reserve(entry_of(2, new), 3, (old,)))
        journal.ask(Commit(entry_of(1, old), ending_of(resets_tries=True), under_way.sequence))
        journal.ask(Commit(entry_of(3, old), ending_of(returned_try=1), None))

        stale = journal.ask(Reserve(entry_of(4, old), 3))
        right = journal.ask(Reserve(entry_of(5, new), 3, (old,)))

        assert (3, False) == (stale.tries, stale.granted)
        assert (3, True) == (right.tries, right.granted)

    def test_tries_outlive_a_restart(self, journal: Journal) -> None:
        """A try counted before a restart is counted after it."""
        for number in (1, 2, 3):
            journal.ask(Reserve(entry_of(number, card_of(1)), 3))

        journal.reopen()

        assert journal.ask(Reserve(entry_of(4, card_of(1)), 3)).granted is False

    def test_committed_response_is_found_byte_for_byte(self, journal: Journal) -> None:
        """A repeat gets the payload as it was committed and the fingerprint of its request."""
        payload = bytes(range(256))
        journal.ask(Commit(entry_of(1), ending_of(payload), None))

        found = journal.find(FindRepeat(key_of(1), since(1)))

        assert StoredResponse(entry_of(1).fingerprint, payload) == found

    def test_repeat_is_found_after_a_restart(self, journal: Journal) -> None:
        """A stored response survives stopping and starting."""
        journal.ask(Commit(entry_of(1), ending_of(b"kept"), None))

        journal.reopen()

        found = journal.find(FindRepeat(key_of(1), since(1)))
        assert found is not None
        assert b"kept" == found.payload

    def test_other_key_finds_no_response(self, journal: Journal) -> None:
        """Another STAN and RRN are another transaction."""
        journal.ask(Commit(entry_of(1), ending_of(), None))

        assert journal.find(FindRepeat(key_of(2), since(1))) is None

    def test_response_before_the_window_is_not_found(self, journal: Journal) -> None:
        """``since`` is a bound on when the request came in, and it is inclusive."""
        journal.ask(Commit(entry_of(1, received_at=since(2)), ending_of(), None))

        assert journal.find(FindRepeat(key_of(1), since(1))) is None
        assert journal.find(FindRepeat(key_of(1), since(2))) is not None

    def test_ending_without_payload_is_no_repeat(self, journal: Journal) -> None:
        """
        An outcome that must be judged anew is journalled but never found, nor does it
        hide the response stored before it.
        """
        journal.ask(Commit(entry_of(1), ending_of(None, outcome=Outcome.FORMAT_ERROR), None))

        assert journal.find(FindRepeat(key_of(1), since(1))) is None

        journal.ask(Commit(entry_of(1), ending_of(b"first"), None))
        journal.ask(Commit(entry_of(1), ending_of(None, outcome=Outcome.DUPLICATE), None))

        found = journal.find(FindRepeat(key_of(1), since(1)))
        assert found is not None
        assert b"first" == found.payload

    def test_newest_stored_response_wins(self, journal: Journal) -> None:
        """Where a key has two responses, the later row is the one given."""
        for payload in (b"older", b"newer"):
            journal.ask(Commit(entry_of(1), ending_of(payload), None))

        found = journal.find(FindRepeat(key_of(1), since(1)))

        assert found is not None
        assert b"newer" == found.payload

    def test_doubt_is_ended_once_and_its_try_stays_counted(self, journal: Journal) -> None:
        """
        What a run before left without an ending gets one, ``in_doubt``; asking again ends
        nothing anew; no answer is made of it, and the PIN try is counted once and for good.
        """
        ended = journal.ask(Reserve(entry_of(1, card_of(1)), 3))
        journal.ask(Commit(entry_of(1, card_of(1)), ending_of(), ended.sequence))
        journal.ask(Reserve(entry_of(2, card_of(1)), 3))
        journal.reopen()
        last = journal.ask(SettleDoubts(0)).last

        settled = [journal.ask(SettleDoubts(last)) for _ in range(2)]

        assert Settled(mark=3, last=4, ended=("009",)) == settled[0]
        assert Settled(mark=3, last=4) == settled[1]
        assert journal.find(FindRepeat(key_of(2), since(1))) is None
        assert 3 == journal.ask(Reserve(entry_of(3, card_of(1)), 3)).tries

    def test_request_under_way_is_not_ended_for_it(self, journal: Journal) -> None:
        """A reservation behind the row that is asked for stays open, and its B is written."""
        old = journal.ask(Reserve(entry_of(1), 3))
        young = journal.ask(Reserve(entry_of(2), 3))

        settled = journal.ask(SettleDoubts(old.sequence))

        assert Settled(mark=1, last=3, ended=("009",)) == settled
        assert journal.ask(Commit(entry_of(2), ending_of(), young.sequence)) is None

    def test_ending_after_the_doubt_was_ended_is_refused(self, journal: Journal) -> None:
        """A request ends once: what comes too late gets no second B, and nobody is told 00."""
        reserved = journal.ask(Reserve(entry_of(1), 3))
        journal.ask(SettleDoubts(reserved.sequence))

        late = journal.ask(Commit(entry_of(1), ending_of(), reserved.sequence))

        assert isinstance(late, JournalUnavailable)
        assert journal.find(FindRepeat(key_of(1), since(1))) is None

    def test_reservation_alone_is_no_repeat(self, journal: Journal) -> None:
        """In doubt means: processed anew, not answered from the journal."""
        journal.ask(Reserve(entry_of(1), 3))

        assert journal.find(FindRepeat(key_of(1), since(1))) is None


class TestSqliteJournal(JournalContract):
    """The contract, kept by the SQLite journal."""

    @pytest.fixture
    def journal(self, tmp_path: Path) -> Iterator[Journal]:
        """Give a journal in a file of its own."""
        with JournalBench(tmp_path / "journal.db") as bench:
            yield bench


class TestPostgresJournal(JournalContract):
    """The contract, kept by the PostgreSQL journal."""

    @pytest.fixture
    def journal(self, postgres: PostgresServer) -> Iterator[Journal]:
        """Give a journal in a database of its own."""
        with PostgresJournalBench(postgres.empty()) as bench:
            yield bench
