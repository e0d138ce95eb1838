"""One question to the journal from a program that is not the switch: a command.

Plan: the switch's own writer is started for the one question, so that a row of a command
is linked, sealed and synced as any other; the file's lock lets one writer at a time in.  On
PostgreSQL a machine's commands are a node of their own, beside that of its switch.
Limits: while the switch commits, or another command writes, it waits some seconds at most.
"""

import sqlite3
from collections.abc import Callable
from datetime import datetime
from typing import Any

from atm_switch.adapters.journal_batch import JournalQuestion
from atm_switch.adapters.journal_place import JournalPlace
from atm_switch.adapters.journal_writer import JournalWriter
from atm_switch.adapters.postgres_journal import PostgresJournalWriter
from atm_switch.domain.errors import JournalUnavailable
from atm_switch.security.vault import Vault
from atm_switch.switch.ports import AuditRecord, KeepRecord


def ask_journal(
    place: JournalPlace,
    vault: Vault,
    clock: Callable[[], datetime],
    nonce: Callable[[int], bytes],
    question: JournalQuestion,
) -> Any:
    """Put one question to the journal at ``place`` and return the answer, durable by then.

    Raises ``JournalUnavailable`` where it cannot be written now, ``Refused`` where it is
    of other keys or was tampered with.
    """
    answers: list[Any] = []
    writer: JournalWriter[None] | PostgresJournalWriter[None]
    if place.url:
        node = place.of_commands().node
        writer = PostgresJournalWriter(place.url, node, vault, clock, nonce)
    else:
        writer = JournalWriter(place.path, vault, clock, nonce)
    try:
        writer.start(lambda batch: answers.extend(answer for _, answer in batch))
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", "") or type(error).__name__
        raise JournalUnavailable(f"the journal cannot be opened: {name}") from None
    try:
        writer.submit(question, None)
    finally:
        writer.stop()
    (answer,) = answers
    if isinstance(answer, Exception):
        raise answer
    return answer


def write_record(
    place: JournalPlace,
    vault: Vault,
    clock: Callable[[], datetime],
    nonce: Callable[[int], bytes],
    record: AuditRecord,
) -> None:
    """Append one record to the audit of the journal at ``place``; it is durable on return.

    Raises what ``ask_journal`` raises, and ``ValueError`` for a kind unknown to the audit.
    """
    ask_journal(place, vault, clock, nonce, KeepRecord(record))
