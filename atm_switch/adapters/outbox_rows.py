"""An outbox row with the row it refers to, read back as an event.

Plan: one SELECT joins each outbox row to its row of the journal or of the audit; the event
is made of columns that never change, so it says the same whenever it is told.  Its id is
drawn from that row's link in the chain, which no other row of any journal has.
Limits: an event whose row is gone cannot be told; nothing here deletes such rows.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from atm_switch.adapters.journal_rows import from_microseconds
from atm_switch.security.key_ring import KeyUsage
from atm_switch.switch.event import SWITCH, Body, Event, EventKind, stamp

_JOURNAL: Final = (
    "acquirer", "terminal", "received_at", "stamp", "stan", "rrn", "mti", "processing_code",
    "channel", "business_date", "peer", "pan_masked", "outcome", "response_code", "reason",
    "kpj_masked", "host_reference", "elapsed_us",
)  # fmt: skip
_AUDIT: Final = ("kind", "actor", "subject", "detail")

_CELLS: Final = ", ".join(
    (
        "outbox.at",
        "outbox.source",
        "outbox.body",
        "coalesce(journal_rows.chain, audit_rows.chain)",
        *(f"journal_rows.{name}" for name in _JOURNAL),
        *(f"audit_rows.{name}" for name in _AUDIT),
    )
)
_OF_JOURNAL: Final = "outbox.source IN ('transaction', 'refusal') AND journal_rows.seq = outbox.ref"
_OF_AUDIT: Final = "outbox.source = 'audit' AND audit_rows.seq = outbox.ref"

SELECT: Final = (
    f"SELECT outbox.seq, {_CELLS} FROM outbox"  # noqa: S608 - constants
    f" LEFT JOIN journal_rows ON {_OF_JOURNAL} LEFT JOIN audit_rows ON {_OF_AUDIT} "
)
"""Outbox rows with what they refer to; for ``event_from``."""

SELECT_SHARED: Final = (
    f"SELECT coalesce(outbox.seq, 0), {_CELLS} FROM outbox"  # noqa: S608 - constants
    f" LEFT JOIN LATERAL (SELECT * FROM journal_rows WHERE {_OF_JOURNAL}"
    " AND journal_rows.node = outbox.node OFFSET 0) AS journal_rows ON true"
    f" LEFT JOIN LATERAL (SELECT * FROM audit_rows WHERE {_OF_AUDIT}"
    " AND audit_rows.node = outbox.node OFFSET 0) AS audit_rows ON true "
)
"""The same of an outbox that several nodes write; an event not yet numbered has number 0.

``OFFSET 0`` has PostgreSQL look each row up, also where it takes the table for an empty one.
"""

_KINDS: Final = {
    "sign-on": EventKind.SESSION,
    "sign-off": EventKind.SESSION,
    "key change": EventKind.SECURITY,
    "key refused": EventKind.SECURITY,
    "peer refused": EventKind.SECURITY,
    "mac refused": EventKind.SECURITY,
}
"""Records of the audit that are no operation."""

_OF_A_BANK: Final = frozenset(
    {"acquirer", *(usage.value for usage in KeyUsage if usage is not KeyUsage.PVK)}
)
"""How the subject of a record begins behind which a bank is named: itself, or a key of its."""


@dataclass(frozen=True, slots=True)
class _Row:
    """The columns of one answer; ``cells`` are those of the journal or of the audit."""

    seq: int
    at: int
    source: str
    body: str | None
    chain: bytes | None
    cells: Mapping[str, Any]


_OWN: Final = 5
"""Columns before those of the journal."""


def event_from(found: tuple[Any, ...], switch: str) -> Event | None:
    """Make the event of one row of ``SELECT``; ``None`` where its row is gone."""
    names = (*_JOURNAL, *_AUDIT)
    seq, at, source, body, chain = found[:_OWN]
    cells = dict(zip(names, found[_OWN:], strict=True))
    row = _Row(seq, at, source, body, chain, cells)
    if row.body is not None:
        return _told(row, json.loads(row.body))
    return None if row.chain is None else _MAKERS[row.source](row, switch)


def written_body(told: Mapping[str, Any]) -> str:
    """Write what ``Announce`` says, and its id, as the outbox keeps it."""
    return json.dumps(told, separators=(",", ":"))


def _told(row: _Row, told: Mapping[str, Any]) -> Event:
    return Event(
        row.seq,
        told["event_id"],
        from_microseconds(row.at),
        EventKind(told["kind"]),
        told["acquirer"],
        told["terminal"],
        told["body"],
    )


def _transaction(row: _Row, _switch: str) -> Event:
    cells = row.cells
    body: Body = {
        "received_at": stamp(from_microseconds(cells["received_at"])),
        **_identity(cells),
        "mti": cells["mti"],
        "processing_code": cells["processing_code"],
        "channel": cells["channel"],
        "business_date": cells["business_date"],
        "kpj": cells["kpj_masked"],
        "host_reference": cells["host_reference"],
        "elapsed_us": cells["elapsed_us"],
    }
    return _event(row, EventKind.TRANSACTION, cells["acquirer"], cells["terminal"], body)


def _refusal(row: _Row, _switch: str) -> Event:
    cells = row.cells
    body: Body = {"what": "transaction refused", "peer": cells["peer"], **_identity(cells)}
    return _event(row, EventKind.SECURITY, cells["acquirer"], cells["terminal"], body)


def _identity(cells: Mapping[str, Any]) -> Body:
    return {
        "transmitted": cells["stamp"],
        "stan": cells["stan"],
        "rrn": cells["rrn"],
        "card": cells["pan_masked"],
        "outcome": cells["outcome"],
        "de39": cells["response_code"],
        "reason": cells["reason"],
    }


def _record(row: _Row, switch: str) -> Event:
    cells = row.cells
    kind = _KINDS.get(cells["kind"], EventKind.OPERATION)
    subject, actor = cells["subject"], cells["actor"]
    is_own = kind is EventKind.OPERATION
    body: Body = {
        "what": cells["kind"],
        # who sits at the keyboard is the audit's to know
        "peer": "" if is_own or actor.startswith("user ") else actor,
        "subject": subject,
        "reason": cells["detail"],
    }
    acquirer, terminal = (SWITCH, switch) if is_own else (_bank_in(subject), "")
    return _event(row, kind, acquirer, terminal, body)


def _bank_in(subject: str) -> str:
    """Return whose ``acquirer 009``, ``mac 009`` or ``pin 009/S1ABC123`` is; empty: no bank's."""
    word, _, owner = subject.partition(" ")
    return owner.partition("/")[0] if word in _OF_A_BANK else ""


def _event(row: _Row, kind: EventKind, acquirer: str, terminal: str, body: Body) -> Event:
    link = row.chain or b""
    event_id = sha256(b"atm-switch event\x00" + row.source.encode() + link).hexdigest()[:32]
    return Event(row.seq, event_id, from_microseconds(row.at), kind, acquirer, terminal, body)


_MAKERS: Final[Mapping[str, Callable[[_Row, str], Event]]] = {
    "transaction": _transaction,
    "refusal": _refusal,
    "audit": _record,
}
