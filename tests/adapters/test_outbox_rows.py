"""What an event says of the row it was made of: every column in its place, and an id for ever."""

from hashlib import sha256
from pathlib import Path

import pytest

from atm_switch.adapters.outbox_reader import OutboxReader
from atm_switch.adapters.outbox_rows import event_from
from atm_switch.domain.outcome import Outcome
from atm_switch.switch.event import SWITCH, Event, EventKind, topic_of
from atm_switch.switch.ports import AuditRecord, Commit, KeepRecord
from tests.doubles.journal_bench import NOON, JournalBench, ending_of, entry_of
from tests.doubles.key_line import NEWER, delivery
from tests.doubles.signed_line import ask_signed, signing_bench

LINK = bytes(range(32))
JOURNAL_CELLS = (
    "009", "ATM00001", 1_782_795_600_123_456, "0630050000", "000001", "R00000000001", "0200",
    "310000", "6011", "2026-06-30", "10.0.0.1:4001", "999009******0012", "approved", "00", "why",
    "*******8901", "BPJ000000001", 4_200,
)  # fmt: skip
NO_AUDIT, NO_JOURNAL = (None,) * 4, (None,) * 18


def told_of(root: Path, *questions: Commit | KeepRecord) -> tuple[Event, ...]:
    """Write it into a journal; return what is told."""
    with JournalBench(root / "journal.db") as bench:
        for question in questions:
            bench.ask(question)
        with OutboxReader(bench.path, "bank-1") as reader:
            return reader.since(0, 100).events


def test_transaction_says_what_its_row_says(tmp_path: Path) -> None:
    """All that a subscriber reconciles by; of the card and of the KPJ their masks."""
    (event,) = told_of(tmp_path, Commit(entry_of(7), ending_of(), None))

    assert {
        "received_at": "2026-06-30T05:00:00.123456Z", "transmitted": "0630050000",
        "stan": "000007", "rrn": "R00000000007", "card": "999009******0012",
        "outcome": "approved", "de39": "00", "reason": "", "mti": "0200",
        "processing_code": "310000", "channel": "6011", "business_date": "2026-06-30",
        "kpj": "*******8901", "host_reference": "BPJ000000001", "elapsed_us": 4_200,
    } == event.body  # fmt: skip
    assert (EventKind.TRANSACTION, "009", "ATM00001", NOON) == (
        event.kind, event.acquirer, event.terminal, event.at,
    )  # fmt: skip


def test_refusal_says_whose_it_was_and_where_it_came_from(tmp_path: Path) -> None:
    """Beside the transaction, for those who listen for attacks: the peer, and no statement."""
    _, event = told_of(
        tmp_path, Commit(entry_of(7), ending_of(outcome=Outcome.DUPLICATE), None)
    )  # fmt: skip

    assert {
        "what": "transaction refused", "peer": "127.0.0.1:40000", "transmitted": "0630050000",
        "stan": "000007", "rrn": "R00000000007", "card": "999009******0012",
        "outcome": "duplicate", "de39": "00", "reason": "",
    } == event.body  # fmt: skip
    assert (EventKind.SECURITY, "009", "ATM00001") == (
        event.kind, event.acquirer, event.terminal,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "subject", "wanted", "acquirer"),
    [
        ("sign-on", "acquirer 009", EventKind.SESSION, "009"),
        ("sign-off", "acquirer 009", EventKind.SESSION, "009"),
        ("key change", "mac 009", EventKind.SECURITY, "009"),
        ("key change", "pin 009/S1ABC123", EventKind.SECURITY, "009"),
        ("key change", "exchange 009", EventKind.SECURITY, "009"),
        ("key change", "pvk 1", EventKind.SECURITY, ""),
        ("key change", "card key", EventKind.SECURITY, ""),
        ("key refused", "pin 009", EventKind.SECURITY, "009"),
        ("peer refused", "connection turned away", EventKind.SECURITY, ""),
        ("mac refused", "acquirer 009", EventKind.SECURITY, "009"),
        ("mac refused", "acquirer ", EventKind.SECURITY, ""),
        ("start", "bank", EventKind.OPERATION, SWITCH),
        ("command", "acquirer 009", EventKind.OPERATION, SWITCH),
    ],
)
def test_record_says_what_was_done_to_whom(
    tmp_path: Path, kind: str, subject: str, wanted: EventKind, acquirer: str
) -> None:
    """
    Of a bank's line by its peer, of a key by whose it is; what the switch did itself is the
    switch's, and has no peer.
    """
    record = AuditRecord(kind, "10.0.0.1:4001", subject, "by the bank")
    (event,) = told_of(tmp_path, KeepRecord(record))
    is_own = wanted is EventKind.OPERATION

    assert (wanted, acquirer, "bank-1" if is_own else "") == (
        event.kind, event.acquirer, event.terminal,
    )  # fmt: skip
    assert {
        "what": kind, "peer": "" if is_own else "10.0.0.1:4001", "subject": subject,
        "reason": "by the bank",
    } == event.body  # fmt: skip


def test_key_brought_over_a_line_is_told_on_its_banks_topic(tmp_path: Path) -> None:
    """One that is taken (162) and one that is refused, by what the core has kept of either."""
    bench = signing_bench()
    taken = ask_signed(bench, delivery(bench))
    refused = ask_signed(bench, delivery(bench, NEWER, check="000000"))
    records = bench.memory.records

    told = told_of(tmp_path, *map(KeepRecord, records))

    assert ("00", "30") == (taken[39], refused[39])
    assert ["key change", "key refused"] == [one.body["what"] for one in told]
    assert {"atm/009/-/security"} == {topic_of(one, "atm") for one in told}


@pytest.mark.parametrize(
    ("source", "cells"),
    [
        ("transaction", (*JOURNAL_CELLS, *NO_AUDIT)),
        ("refusal", (*JOURNAL_CELLS, *NO_AUDIT)),
        ("audit", (*NO_JOURNAL, "sign-on", "10.0.0.1:4001", "acquirer 009", "")),
    ],
)
def test_id_is_the_same_in_every_release(source: str, cells: tuple[object, ...]) -> None:
    """
    A subscriber that saw an event before an update knows it again after one: the id is the
    first half of SHA-256 over a fixed label, where the row stands, and the row's link.
    """
    event = event_from((41, 1_782_795_600_000_000, source, None, LINK, *cells), SWITCH)

    assert event is not None
    label = f"atm-switch event\x00{source}".encode()
    assert sha256(label + LINK).hexdigest()[:32] == event.event_id
    assert 41 == event.sequence
