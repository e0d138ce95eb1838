"""What workers and the journal's writer say to each other, and what nobody may."""

import os
import pickle
import struct
from dataclasses import fields
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from atm_switch.adapters import journal_wire
from atm_switch.adapters.journal_drafts import drafted
from atm_switch.adapters.journal_wire import Frames, KeysChanged, Strange, framed
from atm_switch.adapters.outbox_page import DropStatus, MarkTold, PurgeTold
from atm_switch.domain.errors import JournalUnavailable
from atm_switch.domain.identifiers import AcquirerId
from atm_switch.switch.event import Announce, EventKind
from atm_switch.switch.ports import (
    AuditRecord,
    Commit,
    KeepBusinessDate,
    KeepCommand,
    KeepRecord,
    ProveWriting,
    Reservation,
    Reserve,
    StoredResponse,
    TakeNumbers,
)
from atm_switch.switch.untold import LATE, ToldAgain, Untold
from tests.doubles.journal_bench import card_of, ending_of, entry_of, since

BANK = AcquirerId("009")
SAID: list[Any] = [
    Reserve(entry_of(1), 3, (card_of(2),)),
    drafted(Commit(entry_of(1), ending_of(), 7, since(1))),
    KeepBusinessDate(BANK, date(2026, 7, 1)),
    KeepCommand(BANK, "S1ABC123|0630050000|000001|162", datetime(2026, 7, 1, tzinfo=UTC)),
    TakeNumbers(),
    ProveWriting(),
    KeepRecord(AuditRecord("start", "switch", "bank")),
    Announce(EventKind.STATUS, "009", "S1ABC123", {"state": "active"}),
    MarkTold(5),
    PurgeTold(1, 2, is_unheard=True),
    DropStatus(3),
    Untold(entry_of(1).key, entry_of(1).received_at, LATE),
    ToldAgain(entry_of(1).key),
    Reservation(1, 1, granted=True),
    StoredResponse(bytes(32), b"0210"),
    None,
    True,
]


def test_everything_that_is_said_comes_as_it_was() -> None:
    """Every question and every answer is what it was, however the bytes are cut."""
    content = list(enumerate(SAID))
    data = framed(content) + framed(content[:1])

    for size in (1, 7, len(data)):
        frames = Frames()
        came = [
            frame
            for at in range(0, len(data), size)
            for frame in frames.receive(data[at : at + size])
        ]
        assert [content, content[:1]] == came


@pytest.mark.parametrize("record", [Reserve(entry_of(1), 3), MarkTold(5), TakeNumbers()])
def test_record_is_written_as_a_call_of_its_class(record: Any) -> None:
    """With its values in their order, and nothing else of it."""
    kind, values = journal_wire._as_call(type(record))(record)

    assert type(record) is kind
    assert tuple(getattr(record, one.name) for one in fields(record)) == values
    assert record == kind(*values)


def test_words_of_outcomes_are_written_by_value() -> None:
    """No interpreter writes a member as a call of ``getattr``, which the other end refuses."""
    assert all(b"getattr" not in framed(one) for one in SAID)


def test_refusals_and_news_come_as_they_were() -> None:
    """A refusal keeps its words, and the news of keys has no content."""
    ((refused, news),) = Frames().receive(framed([JournalUnavailable("full"), KeysChanged()]))

    assert isinstance(refused, JournalUnavailable)
    assert "full" == str(refused)
    assert isinstance(news, KeysChanged)


class Command:
    """Runs something when it is unpickled."""

    def __init__(self, path: Path) -> None:
        """Touch ``path``."""
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        """Have the reader call what we like."""
        return os.mkdir, (str(self._path),)


def test_nothing_else_can_be_said(tmp_path: Path) -> None:
    """A pickle that would call something is refused before it does."""
    with pytest.raises(Strange, match="mkdir"):
        list(Frames().receive(framed(Command(tmp_path / "made"))))

    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    "data",
    [
        struct.pack(">I", 1 << 31),
        struct.pack(">I", 3) + b"abc",
        struct.pack(">I", 3) + pickle.dumps(None, 5)[:3],
    ],
)
def test_garbage_is_refused(data: bytes) -> None:
    """A lying length and bytes that are no pickle are no frames."""
    with pytest.raises(Strange):
        list(Frames().receive(data))
