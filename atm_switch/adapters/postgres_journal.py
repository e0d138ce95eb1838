"""The journal on PostgreSQL: one thread that writes as a node, one that looks for repeats.

Plan: both are a ``BatchWriter``: what waits goes to the server as one transaction, or one
query.  The writer holds its node's name (``postgres_schema.take_node``), so that no two
processes write one chain; where the connection is lost the next batch makes a new one,
takes the name again and reads the heads anew.
A batch that the server ended for a deadlock left nothing, and is written once more, whole; so
is a trial of one, for a deadlock is no question's fault.
A server that did not answer a look in time is asked by one at a time until it does; whoever comes
meanwhile is told at once, for behind that one he would wait as long.
Limits: a batch whose COMMIT was cut off may be there or not.  Its requests are answered
that the journal failed; their repeats get what the journal has.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any, Final

from atm_switch.adapters.advisory_lock import ENDING_SECONDS, STEP_SECONDS
from atm_switch.adapters.batch_writer import BatchWriter, K
from atm_switch.adapters.journal_batch import Ink, JournalQuestion
from atm_switch.adapters.journal_chain import chains_of
from atm_switch.adapters.journal_heads import HeadNotOurs
from atm_switch.adapters.journal_judgement import Judgement
from atm_switch.adapters.journal_writer import check_question
from atm_switch.adapters.postgres_batch import Heads, read_heads, write_batch
from atm_switch.adapters.postgres_link import BY_INDEX, PostgresSession, driver
from atm_switch.adapters.postgres_schema import (
    WHAT,
    NoAnswer,
    migrate,
    opened,
    require_durable,
    require_newest,
    take_node,
)
from atm_switch.adapters.postgres_shared import find_answers
from atm_switch.domain.errors import (
    JournalRowWrong,
    JournalSilent,
    JournalUnavailable,
    Refused,
)
from atm_switch.security.vault import Vault
from atm_switch.switch.ports import FindRepeat, StoredResponse

COMMIT_SECONDS_MAX: Final = 5.0
LOOK_SECONDS_MAX: Final = 1.0
PAUSE_SECONDS: Final = 0.2
"""After an attempt to connect that failed, how long none is made."""
STOP_SECONDS_MAX: Final = 2.0
"""How long a stop waits for a server that hangs: no answer depends on what is left by then."""
DEADLOCKS_MAX: Final = 2
"""How often a batch is written once more: the server needs a second to find each deadlock."""
_NOT_ASKED: Final = "PostgreSQL does not answer, and is not asked meanwhile"
_OURS: Final = (ValueError, KeyError, TypeError)
"""What goes wrong here, before the server is asked to commit."""


class _Reconnecting:
    """A session made anew when it was lost."""

    def __init__(self, connect: Callable[[], PostgresSession]) -> None:
        """Connect now.  Raises ``Refused``."""
        self._connect = connect
        self._session: PostgresSession | None = connect()
        self._failed_at = 0.0
        self._failure: type[JournalUnavailable] = JournalUnavailable

    def session(self) -> PostgresSession:
        """Return a session that is there.  Raises ``JournalUnavailable``."""
        if self._session is None:
            if time.monotonic() - self._failed_at < PAUSE_SECONDS:
                raise self._failure("PostgreSQL is away")
            try:
                self._session = self._connect()
            except Refused as away:
                self._failed_at = time.monotonic()
                self._failure = JournalSilent if isinstance(away, NoAnswer) else JournalUnavailable
                raise self._failure(str(away)) from None
        return self._session

    def after(self, error: Exception) -> None:
        """Let go of a session unless the server itself said what is wrong, and is done with it."""
        known = (driver(WHAT).PostgresError, JournalUnavailable, *_OURS)
        if self._session is not None and not (isinstance(error, known) and self._session.is_idle):
            self.close()

    def close(self) -> None:
        """End the session."""
        if self._session is not None:
            self._session.close()
            self._session = None


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except Refused:
        raise
    except HeadNotOurs:
        raise Refused(
            "the journal was written with other keys, or its head was changed: see journal "
            "verify, then restore the key file or the journal it belongs to"
        ) from None
    except Exception as error:  # noqa: BLE001  named by its type: its text may quote a row
        raise Refused(f"the journal cannot be written: {type(error).__name__}") from None


class _PostgresWriter(BatchWriter[K, Any, _Reconnecting]):
    """What both threads do alike."""

    def __init__(self, url: str, queue_max: int, batch_max: int, name: str) -> None:
        super().__init__(queue_max, batch_max, name)
        self._url = url
        self._stop_seconds_max = STOP_SECONDS_MAX

    def _judge(self, error: Exception) -> Judgement:
        asyncpg = driver(WHAT)
        of_one_question = (
            asyncpg.IntegrityConstraintViolationError,
            asyncpg.DataError,
            asyncpg.ProgramLimitExceededError,
            JournalRowWrong,
            *_OURS,
        )
        name = str(error) if isinstance(error, JournalUnavailable) else type(error).__name__
        return Judgement(
            name,
            is_full=isinstance(error, asyncpg.DiskFullError),
            blames_a_question=isinstance(error, of_one_question)
            and not isinstance(error, HeadNotOurs),
            is_silence=_is_silence(error),
        )


class PostgresJournalWriter(_PostgresWriter[K]):
    """Appends to the journal as ``node``, and answers what its processes must agree on.

    ``clock`` gives the time in UTC, ``nonce`` so many fresh random bytes.  ``start`` makes
    the schema if need be; it raises ``Refused`` for a server that is away or not durable, a
    node that is taken, and a head of other keys.
    """

    def __init__(
        self,
        url: str,
        node: str,
        vault: Vault,
        clock: Callable[[], datetime],
        nonce: Callable[[int], bytes],
        queue_max: int = 4096,
        batch_max: int = 256,
    ) -> None:
        super().__init__(url, queue_max, batch_max, "journal-writer")
        self._node = node
        self._ink = Ink(vault, *chains_of(vault, node), clock, nonce, is_shared=True)
        self._heads: Heads | None = None

    def _open(self) -> _Reconnecting:
        return _Reconnecting(self._connected)

    def _connected(self) -> PostgresSession:
        session = opened(self._url, COMMIT_SECONDS_MAX, BY_INDEX)
        try:
            with _translated():
                migrate(session)
                require_durable(session)
                # A start waits for the process before it; who was cut off has requests waiting.
                take_node(session, self._node, STEP_SECONDS if self._heads else ENDING_SECONDS)
                self._heads = read_heads(session, self._node, self._ink)
        except Refused:
            session.close()
            raise
        return session

    def _commit(self, medium: _Reconnecting, questions: Sequence[JournalQuestion]) -> list[Any]:
        answers, self._heads = self._beside_others(medium, questions, keeps=True)
        return answers

    def _try(self, medium: _Reconnecting, questions: Sequence[JournalQuestion]) -> None:
        self._beside_others(medium, questions, keeps=False)

    def _beside_others(
        self, medium: _Reconnecting, questions: Sequence[JournalQuestion], *, keeps: bool
    ) -> tuple[list[Any], Heads]:
        """Write once more what the server ended for a deadlock with another node."""
        deadlock = driver(WHAT).DeadlockDetectedError
        for _ in range(DEADLOCKS_MAX):
            with suppress(deadlock):
                return self._written(medium, questions, keeps=keeps)
        return self._written(medium, questions, keeps=keeps)

    def _written(
        self, medium: _Reconnecting, questions: Sequence[JournalQuestion], *, keeps: bool
    ) -> tuple[list[Any], Heads]:
        session = medium.session()
        try:
            if self._heads is None:
                self._heads = read_heads(session, self._node, self._ink)
            heads = self._heads
            return write_batch(session, self._node, self._ink, heads, questions, keeps=keeps)
        except Exception as error:
            medium.after(error)
            raise

    def _sound(self, kind: type[Any]) -> Any | None:
        # Loaded where a row was refused: a start waits for every module.
        from atm_switch.adapters.journal_sample import sound_question  # noqa: PLC0415

        return sound_question(kind, self._ink.clock())

    def check(self, question: JournalQuestion) -> None:
        """Raise ``ValueError`` for a question that makes no sense."""
        check_question(question)


class PostgresRepeats(_PostgresWriter[K]):
    """Looks for stored answers, all that were asked for meanwhile in one query."""

    def __init__(self, url: str, vault: Vault, queue_max: int = 4096, batch_max: int = 256) -> None:
        super().__init__(url, queue_max, batch_max, "journal-repeats")
        self._vault = vault
        self._is_silent = False
        """Whether the last look had no answer in time."""
        self._is_looking = False
        self._behind = 0
        """How many waited behind the first of them, and are not asked for any more."""

    def submit(self, question: FindRepeat, token: K, *, rings: bool = True) -> None:
        """Queue a look.  Raises ``JournalUnavailable`` also where one finds out already."""
        if self._is_silent and (self._is_looking or self.waiting):
            raise JournalSilent(_NOT_ASKED)
        super().submit(question, token, rings=rings)

    def _open(self) -> _Reconnecting:
        return _Reconnecting(self._connected)

    def _connected(self) -> PostgresSession:
        session = opened(self._url, LOOK_SECONDS_MAX, BY_INDEX)
        try:
            require_newest(session)
        except BaseException:
            session.close()
            raise
        return session

    def _commit(
        self, medium: _Reconnecting, questions: Sequence[FindRepeat]
    ) -> list[StoredResponse | None]:
        if self._behind > 0:
            self._behind -= len(questions)
            raise JournalSilent(_NOT_ASKED)
        self._is_looking = True
        try:
            answers = self._found(medium, questions)
        except Exception as error:
            was_silent, self._is_silent = self._is_silent, _is_silence(error)
            self._behind = self.waiting if self._is_silent and not was_silent else 0
            raise
        finally:
            self._is_looking = False
        self._is_silent = False
        return answers

    def _found(
        self, medium: _Reconnecting, questions: Sequence[FindRepeat]
    ) -> list[StoredResponse | None]:
        session = medium.session()
        try:
            return find_answers(session, questions, self._vault)
        except Exception as error:
            medium.after(error)
            raise

    def _try(self, medium: _Reconnecting, questions: Sequence[FindRepeat]) -> None:
        self._commit(medium, questions)


def _is_silence(error: Exception) -> bool:
    """Tell whether the server did not answer in time, or gave the call up for its time."""
    late = (TimeoutError, JournalSilent, driver(WHAT).QueryCanceledError)
    return isinstance(error, late)
