"""What a terminal must see of the whole core, in a few fields: the model.

It knows nothing of doors, rows or ladders.  ``judged`` says in one place what a request
gets and which writes that takes; ``settle`` says what remains if only some were made.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from atm_switch.wire.message import IsoMessage

TRIES_MAX = 3
WINDOW, DAY = timedelta(minutes=15), timedelta(days=1)
LAST_GOOD_MONTH = (2030, 12)
"""Of the cards' expiry."""
JAKARTA = timedelta(hours=7)


@dataclass(frozen=True, slots=True)
class Said:
    """One request as it was first said, and whether its PIN is right."""

    message: IsoMessage
    card: str
    is_right: bool
    at: datetime

    @property
    def key(self) -> str:
        """What tells requests apart: the STAN, for the rest of the key hangs on it."""
        return self.message[11]

    @property
    def content(self) -> str:
        """What a repeat must share, as far as anything here ever differs."""
        return self.message[22]


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer that was given."""

    at: datetime
    content: str
    code: str
    wire: bytes
    """As it left, without its MAC; empty where it never left."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a request gets: DE39, the writes in order, what it costs."""

    code: str
    writes: str
    is_kept: bool = True
    counts_try: bool = False
    clears_tries: bool = False
    again: Kept | None = None
    """The stored answer, where it is one."""


@dataclass
class Model:
    """All that must be known of the switch to know what it says."""

    utc: datetime
    ledger_is_away: bool = False
    signed_on: set[int] = field(default_factory=set)
    blocked: set[str] = field(default_factory=set)
    tries: dict[str, int] = field(default_factory=dict)
    stored: dict[str, list[Kept]] = field(default_factory=dict)
    in_doubt: int = 0
    endings: int = 0
    """Rows B."""

    def judged(self, said: Said, link: int) -> Judgement:
        """Say what an authentic request gets now."""
        if link not in self.signed_on:
            return Judgement("58", "B", is_kept=False)
        kept = self.repeat(said)
        if kept is not None and kept.content == said.content:
            return Judgement(kept.code, "", is_kept=False, again=kept)
        if kept is not None:
            return Judgement("94", "B", is_kept=False)
        early = self._no_before_the_pin(said)
        return Judgement(early, "B") if early else self._by_the_pin(said)

    def _by_the_pin(self, said: Said) -> Judgement:
        if self.tries.get(said.card, 0) >= TRIES_MAX:
            return Judgement("75", "AB")
        if not said.is_right:
            return Judgement("55", "AB", counts_try=True)
        code = "91" if self.ledger_is_away else "00"
        return Judgement(code, "AB", counts_try=True, clears_tries=True)

    def _no_before_the_pin(self, said: Said) -> str:
        if not self.is_fresh(said.message[7]):
            return "68"
        if said.card in self.blocked:
            return "62"
        today = self.utc + JAKARTA
        return "54" if (today.year, today.month) > LAST_GOOD_MONTH else ""

    def repeat(self, said: Said) -> Kept | None:
        """Return the newest answer under the request's key that still counts."""
        kept = [one for one in self.stored.get(said.key, ()) if one.at >= self.utc - DAY]
        return kept[-1] if kept else None

    def is_fresh(self, stamp: str) -> bool:
        """Tell whether DE7 is of now in this year or one beside it; it names none itself."""
        month, day, hour, minute, second = (int(stamp[at : at + 2]) for at in range(0, 10, 2))
        for year in range(self.utc.year - 1, self.utc.year + 2):
            if (month, day) == (2, 29) and not _is_leap(year):
                continue
            sent = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
            if abs(sent - self.utc) <= WINDOW:
                return True
        return False

    def settle(self, said: Said, judgement: Judgement, writes: str, wire: bytes) -> None:
        """Change as the disk does when these of the judgement's ``writes`` were made."""
        if "A" in writes:
            self.tries[said.card] = self.tries.get(said.card, 0) + judgement.counts_try
            self.in_doubt += 1
        if "B" not in writes:
            return
        self.endings += 1
        self.in_doubt -= "A" in writes
        if judgement.clears_tries:
            self.tries[said.card] = 0
        if judgement.is_kept:
            kept = Kept(self.utc, said.content, judgement.code, wire)
            self.stored.setdefault(said.key, []).append(kept)


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
