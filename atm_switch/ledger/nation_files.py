"""The synthetic nation as CSV files: participants, postings and, if wanted, cards.

Plan: one person after the other, each written as soon as invented, in the order of their
KPJ in every file; files get their names when all are whole, so that what was interrupted
leaves nothing, not even the folders made for it.  The same wishes make the same bytes, and
a larger nation begins with the people of a smaller one.
Limits: a card has no PVV, for that needs a bank's key: its PIN is the acquirer's affair.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from atm_switch.domain.accrual import RateTable
from atm_switch.domain.card import luhn_digit
from atm_switch.domain.errors import Refused
from atm_switch.domain.member import CardStatus, MemberStatus
from atm_switch.ledger.contribution_file import shipped_contributions
from atm_switch.ledger.csv_rows import COLUMNS, Kind
from atm_switch.ledger.nation_chance import Dice
from atm_switch.ledger.nation_history import history, times_of
from atm_switch.ledger.nation_people import MEMBERS_MAX, Person, Span, kpj_of, person_of
from atm_switch.ledger.sample_members import LAB_BIN

_FIRST_CARD: Final = 100_000_000
"""Beyond the serial numbers of the sample members' cards."""
_MEMBERS_BETWEEN_REPORTS: Final = 500
_BUFFER_BYTES: Final = 1 << 20

Report = Callable[[int, int], None]
"""Told how many members are written, and how many rows of all files."""


@dataclass(frozen=True, slots=True)
class NationWishes:
    """What the files depend on, all of it."""

    members: int
    span: Span
    seed: int
    has_cards: bool = False

    def __post_init__(self) -> None:
        """Let no nation exist that the numbers are not enough for.  Raises ``ValueError``."""
        if not 1 <= self.members <= MEMBERS_MAX:
            message = f"a nation has 1 to {MEMBERS_MAX:,} members"
            raise ValueError(message)


def write_nation(folder: Path, wishes: NationWishes, table: RateTable, report: Report) -> int:
    """Write the files into ``folder``, made if need be; return the rows of all of them.

    Raises ``Refused`` for a file that is there already, or cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise Refused(f"{folder} is no folder, so nothing can be written there; name another")
    kinds = [kind for kind in Kind if wishes.has_cards or kind is not Kind.CARDS]
    try:
        with _made(folder), _files([folder / f"{kind.value}.csv" for kind in kinds]) as files:
            for kind, file in zip(kinds, files, strict=True):
                file.write(",".join(COLUMNS[kind]) + "\n")
            return _write(files, wishes, table, report)
    except OSError as error:
        raise Refused(f"the sample cannot be written: {error.strerror}") from None


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """Make a folder, and those above it, that are gone again after any error."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        with suppress(OSError):  # somebody else may have put something there
            for one in missing:
                one.rmdir()
        raise


@contextmanager
def _files(paths: list[Path]) -> Iterator[Sequence[TextIO]]:
    """Lend files that get their names at the end, or are gone after any error."""
    taken = [path.name for path in paths if path.exists()]
    if taken:
        are = "is" if len(taken) == 1 else "are"
        raise Refused(f"{' and '.join(taken)} {are} there already; name another folder")
    parts = [path.with_name(f"{path.name}.part") for path in paths]
    named: list[Path] = []
    try:
        with ExitStack() as stack:
            opened = [
                stack.enter_context(part.open("w", _BUFFER_BYTES, "ascii", newline="\n"))
                for part in parts
            ]
            yield opened
            for file in opened:
                file.flush()
                os.fsync(file.fileno())
        for part, path in zip(parts, paths, strict=True):
            named.append(part.rename(path))
    except BaseException:
        for written in (*parts, *named):
            written.unlink(missing_ok=True)
        raise


def _write(files: Sequence[TextIO], wishes: NationWishes, table: RateTable, report: Report) -> int:
    times = times_of(wishes.span, table, shipped_contributions())
    participants, postings, *cards = files
    rows = number = serial = 0
    while serial < wishes.members:
        person = person_of(wishes.seed, number, wishes.span)
        for plan in person.accounts[: wishes.members - serial]:
            kpj = kpj_of(wishes.seed, serial)
            participants.write(_participant(kpj, person, plan.segment.value, plan.status))
            lines = list(history(kpj, plan, times, Dice(wishes.seed, "history", serial)))
            postings.writelines(lines)
            rows += 1 + len(lines)
            for file in cards:
                card = _card(wishes, serial, kpj, plan.status)
                file.write(card)
                rows += bool(card)
            serial += 1
            if serial % _MEMBERS_BETWEEN_REPORTS == 0:
                report(serial, rows)
        number += 1
    report(serial, rows)
    return rows


def _participant(kpj: str, person: Person, segment: str, status: MemberStatus) -> str:
    born = person.born.isoformat()
    return f"{kpj},{person.nik},{person.name},{born},{segment},{status.value}\n"


def _card(wishes: NationWishes, serial: int, kpj: str, status: MemberStatus) -> str:
    """Write the card of most who are active, or nothing."""
    dice = Dice(wishes.seed, "card", serial)
    if status is not MemberStatus.ACTIVE or not dice.happens(80):
        return ""
    body = f"{LAB_BIN}{_FIRST_CARD + serial:09d}"
    year = wishes.span.until.year + dice.between(1, 5)
    state = CardStatus.BLOCKED if dice.happens(3) else CardStatus.ACTIVE
    expiry = f"{year % 100:02d}{dice.between(1, 12):02d}"
    return f"{body}{luhn_digit(body)},{expiry},{kpj},,,{state.value}\n"
