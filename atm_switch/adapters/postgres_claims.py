"""Whose a request is, of several processes on one PostgreSQL journal: the first that claims it.

Plan: a request has one row in ``answers``, by its key.  Whoever writes row A puts its node
there, and so does whoever answers without a row A; another that comes with the same key
meets the row, locked as long as the first one's batch lasts.  It gets the answer where one is
kept, and hears that the request is under way where its process is alive and the request is
young; otherwise, the first being dead or silent, the request becomes its own.  Who answers
late, behind another's claim, claims it back: the first answer kept counts, whoever's it is.
Until when a claim is young is said and judged by the server's clock alone: the machines'
clocks may differ by what they like.
All keys of a batch are locked by one statement in one order, behind its PIN tries, so that two
processes wait for each other and never dead-lock.
Limits: a process counts as alive as long as the server sees its connection.  How far back a
kept answer counts (``unless_since``, a day) is told by the clocks of the machines.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple, TypeGuard

from atm_switch.adapters.journal_batch import JournalQuestion
from atm_switch.adapters.journal_rows import to_microseconds
from atm_switch.adapters.postgres_link import PostgresSession
from atm_switch.adapters.postgres_schema import NODES
from atm_switch.adapters.postgres_shared import find_answers, keys_in_columns
from atm_switch.security.vault import Vault
from atm_switch.switch.ports import (
    Commit,
    FindRepeat,
    RepeatKey,
    Reserve,
    StoredResponse,
    UnderWay,
)

_KEY: Final = "acquirer, terminal, stamp, stan, rrn"
_MINE: Final = (
    "unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[],"
    f" $8::bytea[], $9::bigint[]) AS mine ({_KEY}, at, print, at_work)"
)
_UNTIL: Final = "clock_timestamp() + at_work * interval '1 microsecond'"
_CLAIM: Final = (
    f"INSERT INTO answers AS held (node, {_KEY}, received_at, fingerprint, until)"  # noqa: S608 - constants
    f" SELECT $1, {_KEY}, at, print, {_UNTIL} FROM {_MINE} ORDER BY {_KEY}"
    f" ON CONFLICT ({_KEY}) DO UPDATE SET fingerprint = excluded.fingerprint,"
    " until = excluded.until"
    " WHERE held.node = excluded.node AND held.received_at = excluded.received_at"
    f" RETURNING {_KEY}"
)
"""Yields what is ours now; the rows of all others are locked as well."""
_HELD: Final = (
    f"SELECT {_KEY}, node, until >= clock_timestamp(), fingerprint"  # noqa: S608 - constants
    f" FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) AS asked ({_KEY})"
    " CROSS JOIN LATERAL (SELECT node, until, fingerprint FROM answers AS held"
    " WHERE (held.acquirer, held.terminal, held.stamp, held.stan, held.rrn)"
    " = (asked.acquirer, asked.terminal, asked.stamp, asked.stan, asked.rrn) OFFSET 0) AS held"
)
"""``OFFSET 0`` has PostgreSQL look each row up, also where it takes the table for a small one."""
_TAKE: Final = (
    "UPDATE answers AS held SET node = $1, received_at = mine.at, fingerprint = mine.print,"  # noqa: S608 - constants
    f" until = {_UNTIL} FROM {_MINE}"
    " WHERE (held.acquirer, held.terminal, held.stamp, held.stan, held.rrn)"
    " = (mine.acquirer, mine.terminal, mine.stamp, mine.stan, mine.rrn)"
)
_GONE: Final = (
    "SELECT node FROM unnest($2::text[]) AS node"
    " WHERE pg_try_advisory_xact_lock($1, hashtext(node))"
)
"""Which nodes no process holds.  Whoever starts one waits for the end of this batch."""

Given = dict[int, StoredResponse | UnderWay]
"""By the place of the question in its batch: what is answered instead of carried out."""
_Claimant = Reserve | Commit


class _Held(NamedTuple):
    """Whose a request is."""

    node: str
    is_young: bool
    fingerprint: bytes


def claimed(
    session: PostgresSession, node: str, questions: Sequence[JournalQuestion], vault: Vault
) -> Given:
    """Claim for ``node`` each request that a question begins or answers first; return the rest."""
    first: dict[RepeatKey, int] = {}
    asked = {at: one for at, one in enumerate(questions) if _is_claim(one)}
    for at, one in asked.items():
        first.setdefault(one.entry.key, at)
    if not first:
        return {}
    given = _settled(session, node, {at: asked[at] for at in first.values()}, vault)
    for at, one in asked.items():
        before = first[one.entry.key]
        leader = asked[before]
        if at != before and before in given:
            given[at] = given[before]
        elif at != before and isinstance(leader, Commit):
            payload = leader.ending.payload or b""
            given[at] = StoredResponse(leader.entry.fingerprint, payload)
    return given


def _is_claim(question: JournalQuestion) -> TypeGuard[_Claimant]:
    if isinstance(question, Commit) and question.ending.payload is None:
        return False
    return isinstance(question, Reserve | Commit) and question.unless_since is not None


def _settled(
    session: PostgresSession, node: str, asked: dict[int, _Claimant], vault: Vault
) -> Given:
    won = {RepeatKey(*key) for key in session.rows(_CLAIM, node, *_columns(asked.values()))}
    lost = {at: one for at, one in asked.items() if one.entry.key not in won}
    if not lost:
        return {}
    wanted = [FindRepeat(one.entry.key, _since(one)) for one in lost.values()]
    found = zip(lost, find_answers(session, wanted, vault), strict=True)
    given: Given = {at: answer for at, answer in found if answer is not None}
    given |= _under_way(session, node, {at: lost[at] for at in lost if at not in given})
    left = [one for at, one in lost.items() if at not in given]
    if left:
        session.rows(_TAKE, node, *_columns(left))
    return given


def _under_way(session: PostgresSession, node: str, asked: dict[int, _Claimant]) -> Given:
    """Tell which row A must wait, for another process that lives is at work on the request."""
    asking = {at: one for at, one in asked.items() if isinstance(one, Reserve) and one.begun_since}
    if not asking:
        return {}
    keys = keys_in_columns([one.entry.key for one in asking.values()])
    held = {RepeatKey(*row[:5]): _Held(*row[5:]) for row in session.rows(_HELD, *keys)}
    others = sorted({one.node for one in held.values()} - {node})
    gone = {name for (name,) in session.rows(_GONE, NODES, others)} | {node}
    waits: Given = {}
    for at, one in asking.items():
        its = held[one.entry.key]
        if its.is_young and its.node not in gone:
            waits[at] = UnderWay(its.fingerprint)
    return waits


def _at_work(question: _Claimant) -> int:
    """Return for how many microseconds from now a claim is young; an answer's is not at all."""
    if not isinstance(question, Reserve) or question.begun_since is None:
        return 0
    return (question.entry.received_at - question.begun_since) // timedelta(microseconds=1)


def _since(question: _Claimant) -> datetime:
    return question.unless_since or question.entry.received_at


def _columns(questions: Iterable[_Claimant]) -> list[list[object]]:
    rows = []
    for one in questions:
        entry, received_at = one.entry, to_microseconds(one.entry.received_at)
        rows.append((*entry.key, received_at, entry.fingerprint, _at_work(one)))
    return [list(column) for column in zip(*rows, strict=True)]
