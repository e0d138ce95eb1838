"""What a journal's file remembers beside its rows, and the answer it holds to a repeat.

Plan: answers are read from the rows; signed commands that count once, business dates and
blocks of host references have small tables.  All of it in the transaction of the batch.
"""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

from atm_switch.adapters.journal_folding import folded, unfolded
from atm_switch.adapters.journal_rows import to_microseconds
from atm_switch.adapters.untold_rows import note
from atm_switch.domain.errors import JournalRowWrong
from atm_switch.security.vault import Vault
from atm_switch.switch.ports import (
    KeepBusinessDate,
    KeepCommand,
    StoredResponse,
    TakeNumbers,
)
from atm_switch.switch.untold import Telling, ToldAgain, Untold

RESPONSE_PURPOSE: Final = "response"
"""What a stored 0210 is sealed for, as it is."""
_FOLDED_PURPOSE: Final = "response, spaces folded"
"""What it is sealed for in a file, where that is shorter."""

_NEWEST_RESPONSE: Final = (
    "SELECT fingerprint, response FROM journal_rows"
    " WHERE acquirer = ? AND terminal = ? AND stamp = ? AND stan = ? AND rrn = ?"
    " AND (response IS NULL) = 0 AND received_at >= ? ORDER BY seq DESC LIMIT 1"
)
"""Worded as the index ``journal_rows_by_key`` has it."""
_KEYS_AT_ONCE: Final = (64, 16, 4, 1)
_ANY_RESPONSE: Final = {
    count: (
        "WITH asked (acquirer, terminal, stamp, stan, rrn, since) AS"  # noqa: S608 - constants
        f" (VALUES {', '.join(['(?, ?, ?, ?, ?, ?)'] * count)})"
        " SELECT 1 FROM asked CROSS JOIN journal_rows AS kept"
        " ON kept.rrn = asked.rrn AND kept.stamp = asked.stamp AND kept.stan = asked.stan"
        " AND kept.terminal = asked.terminal AND kept.acquirer = asked.acquirer"
        " AND (kept.response IS NULL) = 0 AND kept.received_at >= asked.since LIMIT 1"
    )
    for count in _KEYS_AT_ONCE
}
"""The same of many keys: a step into the index for each, in one statement."""
_SET_DATE: Final = (
    "INSERT INTO business_dates (acquirer, business_date) VALUES (?, ?)"
    " ON CONFLICT (acquirer) DO UPDATE SET business_date = excluded.business_date"
)
_FORGET_COMMANDS: Final = "DELETE FROM commands WHERE until <= ?"
_KNOWS_COMMAND: Final = "SELECT 1 FROM commands WHERE acquirer = ? AND identity = ?"
_KEEP_COMMAND: Final = (
    "INSERT INTO commands (acquirer, identity, until) VALUES (?, ?, ?)"
    " ON CONFLICT (acquirer, identity) DO UPDATE SET until = max(until, excluded.until)"
)
_TAKE_BLOCK: Final = (
    "INSERT INTO host_blocks (one, taken) VALUES (1, 1)"
    " ON CONFLICT (one) DO UPDATE SET taken = (taken + 1) % 100 RETURNING taken"
)

Remembered = KeepBusinessDate | KeepCommand | TakeNumbers | Telling

Select = Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]
"""Runs a query and returns all it yields."""


def stored_answer(
    select: Select, key: tuple[str, ...], since: int, vault: Vault
) -> StoredResponse | None:
    """Find the newest stored 0210 under a key since a time, in microseconds.

    Raises ``JournalRowWrong`` for one that does not open.
    """
    found = select(_NEWEST_RESPONSE, (*key, since))
    return opened_answer(found[0][0], found[0][1], vault) if found else None


def is_any_answered(select: Select, asked: Sequence[tuple[tuple[str, ...], int]]) -> bool:
    """Tell whether there is a stored 0210 under any key since the time beside it."""
    at = 0
    for count in _KEYS_AT_ONCE:
        while len(asked) - at >= count:
            some = asked[at : at + count]
            if select(_ANY_RESPONSE[count], [one for key, since in some for one in (*key, since)]):
                return True
            at += count
    return False


def sealed_answer(payload: bytes, vault: Vault, nonce: bytes) -> bytes:
    """Seal a 0210 for a row of the file."""
    short = folded(payload)
    if short is None:
        return vault.seal(RESPONSE_PURPOSE, payload, nonce)
    return vault.seal(_FOLDED_PURPOSE, short, nonce)


def opened_answer(fingerprint: bytes, sealed: bytes, vault: Vault) -> StoredResponse:
    """Open a stored 0210.  Raises ``JournalRowWrong`` for one that does not."""
    with suppress(ValueError):
        return StoredResponse(fingerprint, unfolded(vault.unseal(_FOLDED_PURPOSE, sealed)))
    try:
        return StoredResponse(fingerprint, vault.unseal(RESPONSE_PURPOSE, sealed))
    except ValueError:
        raise JournalRowWrong("a stored response cannot be opened") from None


def remember(connection: sqlite3.Connection, question: Remembered, now: int) -> bool | int | None:
    """Carry out one question in the transaction under way; ``now`` in microseconds."""
    match question:
        case KeepBusinessDate(acquirer, business_date):
            connection.execute(_SET_DATE, (acquirer.text, business_date.isoformat()))
            return None
        case KeepCommand():
            return _remember_command(connection, question, now)
        case TakeNumbers():
            ((taken,),) = connection.execute(_TAKE_BLOCK).fetchall()
            return int(taken)
        case Untold() | ToldAgain():  # pragma: no branch - these are all there are
            note(connection.execute, question, now)
            return None


def _remember_command(connection: sqlite3.Connection, question: KeepCommand, now: int) -> bool:
    bank = question.acquirer.text
    connection.execute(_FORGET_COMMANDS, (now,))
    is_first = not connection.execute(_KNOWS_COMMAND, (bank, question.identity)).fetchall()
    command = (bank, question.identity, to_microseconds(question.until))
    connection.execute(_KEEP_COMMAND, command)
    return is_first
