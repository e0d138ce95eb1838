"""Questions to the journal and their answers, between a worker and the writer's process.

Plan: frames of a length (4 bytes) and a pickle, over a socket in the data folder (mode 0600
in a folder of mode 0700), so that only the user the switch runs as can speak.  A pickle may
name none but the values listed here: what comes cannot run a thing.  A commit crosses as its
draft, which is plain cells: nearly all that is said are commits.
Limits: both ends are of one release; a frame is at most ``FRAME_BYTES_MAX``.
"""

import io
import os
import pickle
import struct
from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import date, datetime, timedelta, timezone
from enum import Enum
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

from atm_switch.adapters.outbox_page import DropStatus, MarkTold, PurgeTold
from atm_switch.domain.errors import JournalFull, JournalRefusesRow, JournalUnavailable
from atm_switch.domain.identifiers import AcquirerId
from atm_switch.domain.member import CardRef
from atm_switch.switch.event import Announce, EventKind
from atm_switch.switch.ports import (
    AuditRecord,
    JournalEntry,
    KeepBusinessDate,
    KeepCommand,
    KeepRecord,
    ProveWriting,
    RepeatKey,
    Reservation,
    Reserve,
    StoredResponse,
    TakeNumbers,
    UnderWay,
)
from atm_switch.switch.untold import ToldAgain, Untold

FRAME_BYTES_MAX: Final = 64 * 1024 * 1024
SOCKET_NAME: Final = "journal.sock"

_LENGTH: Final = struct.Struct(">I")


class KeysChanged:
    """Tell the other workers that the key file was changed; answered when they have it."""

    __slots__ = ()


_RECORDS: Final[tuple[type[Any], ...]] = (
    StoredResponse, JournalEntry, Reservation, Reserve,
    KeepBusinessDate, KeepCommand, TakeNumbers, AuditRecord, KeepRecord, UnderWay, Announce,
    MarkTold, PurgeTold, DropStatus, AcquirerId, CardRef, Untold, ToldAgain,
    ProveWriting,
)  # fmt: skip
_WORDS: Final[tuple[type[Enum], ...]] = (EventKind,)
_OTHERS: Final[tuple[type[Any], ...]] = (
    RepeatKey, KeysChanged, JournalFull, JournalRefusesRow, JournalUnavailable,
    datetime, date, timezone, timedelta,
)  # fmt: skip
_ALLOWED: Final = {(one.__module__, one.__name__): one for one in (*_RECORDS, *_WORDS, *_OTHERS)}


def _as_call(kind: type[Any]) -> Callable[[Any], tuple[type[Any], tuple[Any, ...]]]:
    """Write a record as a call of its class: a third of what a pickle of slots takes."""
    values_of = [attrgetter(one.name) for one in fields(kind)]
    return lambda record: (kind, tuple([value_of(record) for value_of in values_of]))


def _by_value(member: Enum) -> tuple[type[Enum], tuple[Any]]:
    return type(member), (member.value,)


# Some interpreters (3.11.2) write a member as getattr(...), which none may name here.
_WRITTEN: Final[dict[type, Any]] = {
    **{kind: _as_call(kind) for kind in _RECORDS},
    **dict.fromkeys(_WORDS, _by_value),
}


class Strange(ValueError):
    """Something came that no worker says."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        found = _ALLOWED.get((module, name))
        if found is None:
            raise Strange(f"{module}.{name} is no value of the journal")
        return found


def socket_name(path: Path) -> str:
    """Return the shorter spelling: the kernel takes 107 bytes of a socket's name."""
    return min(str(path), os.path.relpath(path), key=len)


def framed(content: Any) -> bytes:
    """Write one frame."""
    written = io.BytesIO()
    written.seek(_LENGTH.size)
    pickler = pickle.Pickler(written, protocol=5)
    pickler.dispatch_table = _WRITTEN
    pickler.dump(content)
    length = written.tell() - _LENGTH.size
    written.seek(0)
    written.write(_LENGTH.pack(length))
    return written.getvalue()


class Frames:
    """Cuts what comes into frames."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._buffer = bytearray()

    def receive(self, data: bytes) -> Iterator[Any]:
        """Take bytes; yield the content of every frame that is whole.  Raises ``Strange``."""
        self._buffer += data
        while len(self._buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer)
            if length > FRAME_BYTES_MAX:
                raise Strange("the frame is too long")
            end = _LENGTH.size + length
            if len(self._buffer) < end:
                return
            with memoryview(self._buffer) as whole:
                body = bytes(whole[_LENGTH.size : end])
            del self._buffer[:end]
            yield _read(body)


def _read(body: bytes) -> Any:
    try:
        return _Unpickler(io.BytesIO(body)).load()
    except Strange:
        raise
    except Exception as error:  # noqa: BLE001  whatever a pickle can fail with
        raise Strange(f"the frame cannot be read: {type(error).__name__}") from None
