"""A real journal on a bench: entries by number, questions asked one by one or at once.

Plan: the token of a question is a ``Future``; ``on_batch`` keeps what was delivered and
sets the futures, so a test waits for an answer and for nothing else.
"""

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

from atm_switch.adapters.journal_batch import JournalQuestion
from atm_switch.adapters.journal_reader import JournalReader
from atm_switch.adapters.journal_writer import JournalWriter
from atm_switch.domain.member import CardRef
from atm_switch.domain.outcome import Outcome
from atm_switch.security.vault import Vault
from atm_switch.switch.ports import (
    Commit,
    Ending,
    FindRepeat,
    JournalEntry,
    RepeatKey,
    Reservation,
    StoredResponse,
)

NOON = datetime(2026, 6, 30, 5, 0, 0, 123_456, UTC)
ANSWER_SECONDS_MAX = 30.0

Token = Future[Any]
Batch = list[tuple[Token, Any]]


def clock() -> datetime:
    """Stand still at noon in Jakarta."""
    return NOON


def fresh_vault() -> Vault:
    """Make a vault of keys nobody has seen."""
    return Vault.fresh(os.urandom)


def card_of(number: int) -> CardRef:
    """Return a card's reference, another one for each number."""
    return CardRef("k1", sha256(b"card %d" % number).digest())


def key_of(number: int) -> RepeatKey:
    """Return a repeat key, another one for each number."""
    return RepeatKey("009", "ATM00001", "0630050000", f"{number:06d}", f"R{number:011d}")


def entry_of(
    number: int, card: CardRef | None = None, received_at: datetime = NOON
) -> JournalEntry:
    """Return a request's entry; ``card`` defaults to the number's own."""
    return JournalEntry(
        received_at=received_at,
        key=key_of(number),
        fingerprint=sha256(b"request %d" % number).digest(),
        mti="0200",
        processing_code="310000",
        channel="6011",
        business_date=date(2026, 6, 30),
        peer="127.0.0.1:40000",
        pan_masked="999009******0012",
        card=card or card_of(number),
    )


def ending_of(
    payload: bytes | None = b"0210 as it left",
    *,
    outcome: Outcome = Outcome.APPROVED,
    response_code: str = "00",
    resets_tries: bool = False,
    returned_try: int | None = None,
) -> Ending:
    """Return how a request ended."""
    return Ending(
        outcome=outcome,
        response_code=response_code,
        reason="",
        kpj_masked="*******8901",
        host_reference="BPJ000000001",
        elapsed_us=4_200,
        payload=payload,
        resets_tries=resets_tries,
        returned_try=returned_try,
    )


def since(days: int) -> datetime:
    """Return noon so many days before noon."""
    return NOON - timedelta(days=days)


class Asking:
    """Asks a journal's writer, whichever store it writes to."""

    writer: Any

    def send(self, question: JournalQuestion) -> Token:
        """Submit a question and return the future of its answer."""
        token: Token = Future()
        self.writer.submit(question, token)
        return token

    def send_all(self, *questions: JournalQuestion) -> list[Any]:
        """Submit questions that become one batch, and wait for the answers."""
        tokens: list[Token] = [Future() for _ in questions]
        for question, token in zip(questions, tokens, strict=True):
            self.writer.submit(question, token, rings=False)
        self.writer.ring()
        return [token.result(ANSWER_SECONDS_MAX) for token in tokens]

    def ask(self, question: JournalQuestion) -> Any:
        """Submit a question and wait for its answer, an error being one."""
        return self.send(question).result(ANSWER_SECONDS_MAX)

    def reserve(self, question: JournalQuestion) -> Reservation:
        """Ask for a reservation that must be given."""
        answer = self.ask(question)
        assert isinstance(answer, Reservation), answer
        return answer


@dataclass
class JournalBench(Asking):
    """One journal file, its writer while started, and what the writer delivered."""

    path: Path
    vault: Vault = field(default_factory=fresh_vault)
    batches: list[Batch] = field(default_factory=list)
    on_delivery: Callable[[Batch], None] = lambda _batch: None
    """Called in the writer thread before the futures are set."""
    make: type[JournalWriter[Token]] = JournalWriter
    queue_max: int = 4096
    batch_max: int = 256
    writer: JournalWriter[Token] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Lay out a writer, not yet started."""
        self.writer = self._fresh_writer()

    def _fresh_writer(self) -> JournalWriter[Token]:
        return self.make(self.path, self.vault, clock, os.urandom, self.queue_max, self.batch_max)

    def __enter__(self) -> Self:
        """Start the writer."""
        self.writer.start(self._deliver)
        return self

    def __exit__(self, *_exception: object) -> None:
        """Stop it."""
        self.writer.stop()

    def reopen(self) -> None:
        """Stop the writer and start another one on the same file."""
        self.writer.stop()
        self.writer = self._fresh_writer()
        self.writer.start(self._deliver)

    def find(self, question: FindRepeat) -> StoredResponse | None:
        """Ask for a repeat, in the calling thread."""
        with self.reader() as reader:
            return reader.find_repeat(question, self.vault)

    def reader(self) -> JournalReader:
        """Open a reader; the caller closes it."""
        return JournalReader(self.path)

    def _deliver(self, batch: Batch) -> None:
        self.batches.append(batch)
        self.on_delivery(batch)
        for token, answer in batch:
            token.set_result(answer)


class Gate:
    """Holds the writer thread in its first delivery until it is opened."""

    def __init__(self) -> None:
        """Start shut."""
        self.reached = threading.Event()
        self.open = threading.Event()

    def __call__(self, _batch: Batch) -> None:
        """Wait, in the writer thread."""
        self.reached.set()
        assert self.open.wait(ANSWER_SECONDS_MAX)


def hold_writer(bench: JournalBench) -> Gate:
    """Occupy the writer with one row until the gate is opened."""
    gate = Gate()
    bench.on_delivery = gate
    bench.send(Commit(entry_of(0), ending_of(), None))
    assert gate.reached.wait(ANSWER_SECONDS_MAX)
    return gate
