"""Which process of a switch this is, as whoever starts it writes that into its command line.

Plan: ``v1:NUMBER:WORKERS:CONTROL`` for the writer's process, with ``:SETTINGS`` behind it for a
worker; both last are descriptors it inherits.  The mark in front is of all that the processes of
a switch say to each other: it changes, from one release to the next, where a process of the one
would not understand the other.  Between releases it stays, whatever is changed there.
Why: the processes of a switch are started again one by one, also once the program they are
started from was replaced by another release; the running switch goes by its own.  A process that
does not start from other files than the switch itself did says nothing of the switch: so each
file of the package is remembered by size, time and inode, and which releases of other packages are
installed beside it.
Limits: a library that lies elsewhere is not looked at.
"""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, Self

from atm_switch.domain.errors import Refused

OTHER_RELEASE: Final = 76
"""The exit code of a process that a switch of another release started, and of such a switch where
it cannot do without: EX_PROTOCOL of sysexits(3)."""
WRITER: Final = 0
"""The number of the writer's process; workers count from 1."""
MARK: Final = "v1"

PACKAGE: Final = Path(__file__).parent
_MADE_AT_RUN: Final = "__pycache__"
_RELEASE: Final = ".dist-info"

_WRITTEN: Final = re.compile(rf"{MARK}:(0:\d+:\d+|[1-9]\d*:\d+:\d+:\d+)")


class OfAnotherRelease(Refused):
    """Whoever started this process speaks to it as another release does, or has its files so."""

    def __init__(self) -> None:
        """Say what to do."""
        super().__init__(
            "this process was started by a switch of another release of atm-switch than is "
            "installed now; stop that switch and start it again"
        )


class ProcessPlace(NamedTuple):
    """Process ``number`` of a switch of so many ``workers``."""

    number: int
    workers: int
    control: int
    """Its end of the socket that both speak over."""
    settings: int | None = None
    """What its settings stand behind; the writer's process has none."""

    @classmethod
    def of(cls, argument: str) -> Self:
        """Read what ``written`` wrote.  Raises ``OfAnotherRelease``."""
        if _WRITTEN.fullmatch(argument) is None:
            raise OfAnotherRelease
        return cls(*map(int, argument.split(":")[1:]))

    @property
    def is_writer(self) -> bool:
        """Whether it writes the journal for the others."""
        return self.number == WRITER

    @property
    def inherited(self) -> list[int]:
        """The descriptors it needs."""
        return [self.control] if self.settings is None else [self.control, self.settings]

    def written(self) -> str:
        """Write it as an argument."""
        return ":".join(map(str, (MARK, self.number, self.workers, *self.inherited)))


@dataclass(frozen=True, slots=True)
class InstalledFiles:
    """What was seen of the package at ``root``."""

    root: Path
    seen: frozenset[tuple[str, int, int, int]]
    beside: frozenset[str]
    """The names that stand for installed releases, as pip writes them."""

    @classmethod
    def now(cls, root: Path = PACKAGE) -> Self:
        """Look: a millisecond.  Raises ``OSError``; what is gone is nothing."""
        beside = (entry.name for entry in _entries(root.parent) if entry.name.endswith(_RELEASE))
        return cls(root, frozenset(_files(root)), frozenset(beside))

    def are_replaced(self) -> bool:
        """Tell whether others are there by now; not where that cannot be seen."""
        try:
            return self.now(self.root) != self
        except OSError:
            return False


def _files(folder: Path) -> Iterator[tuple[str, int, int, int]]:
    for entry in _entries(folder):
        if entry.is_dir(follow_symlinks=False):
            if entry.name != _MADE_AT_RUN:
                yield from _files(Path(entry.path))
            continue
        with suppress(FileNotFoundError):
            is_ = entry.stat(follow_symlinks=False)
            yield entry.path, is_.st_ino, is_.st_size, is_.st_mtime_ns


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except (FileNotFoundError, NotADirectoryError):  # the second: it runs from an archive
        return []
