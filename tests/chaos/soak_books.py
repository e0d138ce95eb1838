"""The books of a soak: what was asked, what came of it, and what journal and broker say.

Plan: a request is known by its number, which is its RRN; what is kept of each is a byte or two,
for a night has millions.  Wrong is a request without an answer whose link was neither reset here
nor lost with a process that was killed; an answer that is not what the journal's row says, or that
comes later than a request may take; a 91 or 96 without a fault that explains it; a request with two
endings, or none; an event that was not told, or told of nothing.
Limits: a 96 may have a row or none, and its request is not said again here: ``kill_nine`` does.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from atm_switch.adapters.schema import open_reader
from atm_switch.domain.outcome import IN_DOUBT
from atm_switch.folder import open_folder
from tests.chaos.honest import Answer
from tests.chaos.plant import Plant

LOCKED, FROZEN, KILLED, LEDGER = "locked", "frozen", "killed", "ledger"
EXPLAINED_BY: Final = {
    "91": frozenset({LOCKED, FROZEN, KILLED, LEDGER}),
    "96": frozenset({LOCKED, FROZEN, KILLED}),
}
"""Which harm may have a request refused, by what it is told."""
GRACE_SECONDS: Final = {LEDGER: 1.0}
"""How long after it is over: a ledger is asked again within a second."""
SLACK_SECONDS: Final = 2.0
"""Beside what a request may take: the way there and back, and a machine that others use."""
_NEVER, _ASKED = 0, 1
_SQL: Final = "SELECT kind, rrn, stan, outcome, response_code FROM journal_rows ORDER BY seq"


@dataclass(frozen=True, slots=True)
class Harm:
    """What was done to the switch from when to when, on the monotonic clock."""

    kind: str
    began: float
    ended: float

    def explains(self, told: Answer) -> bool:
        """Tell whether a refusal was asked for while it stood, or just before."""
        if self.kind not in EXPLAINED_BY[told.code]:
            return False
        ended = self.ended + GRACE_SECONDS.get(self.kind, 0.0)
        return self.began <= told.asked_at + told.seconds and told.asked_at <= ended

    def held_up(self, told: Answer) -> float:
        """Return for how many seconds of a request something stood still, which may come on top."""
        if self.kind != FROZEN:
            return 0.0
        told_at = told.asked_at + told.seconds
        return max(0.0, min(self.ended, told_at) - max(self.began, told.asked_at))

    def cut_off(self, at: float) -> bool:
        """Tell whether a link that was lost ``at`` was lost with a process killed."""
        return self.kind == KILLED and self.began <= at <= self.ended


@dataclass
class Books:
    """What is written down while it runs."""

    codes: Counter[str] = field(default_factory=Counter)
    """DE39 of the answers."""
    refused: list[Answer] = field(default_factory=list)
    seconds_max: float = 8.0
    """What a request may take, by the profile."""
    slow: list[Answer] = field(default_factory=list)
    """Took longer, for whatever reason."""
    reset: set[int] = field(default_factory=set)
    """Asked on a link that was reset here while it was under way."""
    lost: dict[int, float] = field(default_factory=dict)
    """Asked on a link that was lost, and when that was seen."""
    harm: list[Harm] = field(default_factory=list)
    asked: int = 0
    _told: bytearray = field(default_factory=bytearray)
    """By number: never asked, asked, or told the code at this place of ``_names``."""
    _names: list[str] = field(default_factory=lambda: ["", ""])

    def asks(self, rrn: str) -> None:
        """Note a request that is about to be sent."""
        self.asked += 1
        self._put(int(rrn), _ASKED)

    def takes(self, told: Answer) -> None:
        """Note an answer."""
        self.codes[told.code] += 1
        self._put(int(told.rrn), self._place(told.code))
        if told.code in EXPLAINED_BY:
            self.refused.append(told)
        if told.seconds > self.seconds_max + SLACK_SECONDS:
            self.slow.append(told)

    def without_cause(self) -> list[Answer]:
        """Return the refusals that no fault explains."""
        return [told for told in self.refused if not any(h.explains(told) for h in self.harm)]

    def late(self) -> list[Answer]:
        """Return what was told too late, though nothing stood still for as long meanwhile."""
        most = self.seconds_max + SLACK_SECONDS
        return [
            told
            for told in self.slow
            if told.seconds > most + sum(harm.held_up(told) for harm in self.harm)
        ]

    def resets(self, rrn: str) -> None:
        """Note that a request's link is reset now."""
        self.reset.add(int(rrn))

    def loses(self, rrn: str, at: float) -> None:
        """Note a request whose link is gone."""
        self.lost[int(rrn)] = at

    def answers(self) -> Iterator[tuple[int, str]]:
        """Yield every request that was answered, and with what."""
        for number, place in enumerate(self._told):
            if place > _ASKED:
                yield number, self._names[place]

    def told(self, number: int) -> str | None:
        """Return what a request was told: nothing if empty, ``None`` for one never asked."""
        place = self._told[number] if number < len(self._told) else _NEVER
        return None if place == _NEVER else self._names[place]

    def unanswered(self) -> Iterator[int]:
        """Yield the number of each request that has no answer."""
        return (number for number, place in enumerate(self._told) if place == _ASKED)

    def _place(self, code: str) -> int:
        if code not in self._names:
            self._names.append(code)
        return self._names.index(code)

    def _put(self, number: int, place: int) -> None:
        if number >= len(self._told):
            self._told.extend(bytes(number + 4096 - len(self._told)))
        self._told[number] = place


@dataclass
class Written:
    """What the journal says of what was asked, by number."""

    reserved: set[int] = field(default_factory=set)
    ended: dict[int, str | None] = field(default_factory=dict)
    """DE39 of the ending; of several, of the last."""
    doubted: set[int] = field(default_factory=set)
    """Ended in doubt, at a start or where the writer began anew."""
    twice: int = 0
    rrns: set[str] = field(default_factory=set)
    """Of all endings, those of hostile frames among them."""

    @property
    def ends(self) -> set[int]:
        """What was asked and has come to an end."""
        return self.ended.keys() | self.doubted


def written(plant: Plant, books: Books) -> Written:
    """Read the journal; a hostile frame that bears another's RRN has not its STAN."""
    found = Written()
    connection = open_reader(open_folder(plant.folder).journal, seconds_max=600.0)
    try:
        for kind, rrn, stan, outcome, code in connection.execute(_SQL):
            number = int(rrn) if rrn.isdigit() else -1
            if kind != "A":
                found.rrns.add(rrn)
            if books.told(number) is None or stan != f"{number % 1_000_000:06d}":
                continue
            if kind == "A":
                found.reserved.add(number)
            elif outcome == IN_DOUBT:
                found.doubted.add(number)
            else:
                found.twice += number in found.ended
                found.ended[number] = code
    finally:
        connection.close()
    return found


def accounted(books: Books, found: Written, told: set[str] | None) -> dict[str, int]:
    """Hold all against all; all but the first five must be nothing.

    ``told`` are the RRN of all transactions that were events, where no broker lost any.
    """
    killed = [harm for harm in books.harm if harm.kind == KILLED]

    def is_cut_off(number: int) -> bool:
        at = books.lost.get(number)
        return number in books.reset or (
            at is not None and any(harm.cut_off(at) for harm in killed)
        )

    missing = list(books.unanswered())
    cut_off = sum(map(is_cut_off, missing))
    events = {} if told is None else {
        "events_lost": sum(f"{number:012d}" not in told for number in found.ends),
        "events_invented": len(told - found.rrns),
    }  # fmt: skip
    return {
        "received": books.asked, "answered": books.codes.total() - len(books.refused),
        "refused": len(books.refused), "cut_off": cut_off, "in_doubt": len(found.doubted),
        "unanswered": len(missing) - cut_off,
        "refused_without_cause": len(books.without_cause()),
        "told_late": len(books.late()),
        "not_written_as_told": sum(
            code != "96" and found.ended.get(number) != code for number, code in books.answers()
        ),
        "written_twice": found.twice,
        "without_end": len(found.reserved - found.ends),
        **events,
    }  # fmt: skip


def is_whole(found: dict[str, int]) -> bool:
    """Tell whether nothing is wrong, and every request is in one of the books."""
    received, answered, refused, cut_off, _, *wrong = found.values()
    return not any(wrong) and received == answered + refused + cut_off


def in_words(found: dict[str, int]) -> str:
    """Write the books out."""
    return ", ".join(f"{count:,} {what.replace('_', ' ')}" for what, count in found.items())


def why(books: Books) -> list[str]:
    """Name the first requests refused without a cause or told late, for whoever looks into it."""
    odd = books.without_cause()[:10] + books.late()[:10]
    began = min((harm.began for harm in books.harm), default=0.0)
    return [
        f"{told.rrn} told {told.code} {told.asked_at - began:.3f} s in, after {told.seconds:.3f} s"
        for told in odd
    ]
