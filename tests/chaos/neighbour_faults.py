"""G27: every call of every neighbour fails once; each request is answered, none approved unseen.

    python -m tests.chaos.neighbour_faults [--long] [--seed S]

Plan: a script of fifty requests to the core over neighbours in memory, once on a line without
MACs and once on one with MACs and a change of their key.  In the first run all is well and
the calls are counted; then, for each call and each way to fail, the script is run again and
only that call fails: not made; made, but its answer lost; or a mistake of the adapter's own.
Each request must have exactly one answer, but for one that cannot be signed: that must have
its row.  An approval must have its row B; who was not hit is answered as without the fault,
but for what hangs on the lost one.  The same of every call of the publisher (``broker_calls``).
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from atm_switch.domain.errors import JournalUnavailable, LedgerUnavailable
from atm_switch.switch.policy import MacPolicy
from atm_switch.switch.ports import ASKS_JOURNAL, Commit
from atm_switch.wire.message import IsoMessage
from tests.chaos.broker_calls import EVENTS, sweep
from tests.chaos.proof import Found, Goal, Trial, prove
from tests.doubles.bench import PAN, PIN, STRANGER, Bench, bank
from tests.doubles.inquiries import network, repeat_of
from tests.doubles.key_line import NEW, delivery
from tests.doubles.memory import Memory
from tests.doubles.signed_line import signed_payload

REQUESTS = 50
OTHER_PAN = "9990090000000020"
STRIDE_SHORT = 8
NEW_KEY = "162"


def not_made(memory: Memory, question: Any) -> Any:  # noqa: ARG001 - one shape for all
    """Fail before anything is done."""
    journal = isinstance(question, ASKS_JOURNAL)
    return JournalUnavailable("away") if journal else LedgerUnavailable("away")


def answer_lost(memory: Memory, question: Any) -> Any:
    """Do it, and say that it could not be done."""
    Memory.answer(memory, question)
    return not_made(memory, question)


def own_mistake(memory: Memory, question: Any) -> Any:  # noqa: ARG001 - one shape for all
    """Fail as only a bug does."""
    return RuntimeError("a bug of an adapter")


Way = Callable[[Memory, Any], Any]
WAYS: tuple[Way, ...] = (not_made, answer_lost, own_mistake)


@dataclass
class Frail(Memory):
    """Neighbours of whom one call fails."""

    fails_at: int = -1
    way: Way = not_made
    calls: int = 0
    hit: str = ""
    """The kind of question that failed."""

    def answer(self, question: Any) -> Any:
        """Answer, or fail."""
        at, self.calls = self.calls, self.calls + 1
        if at != self.fails_at:
            return super().answer(question)
        self.hit = type(question).__name__
        return self.way(self, question)


@dataclass
class Played:
    """What a run of the script came to."""

    calls: int
    hit: str
    codes: list[str] = field(default_factory=list)
    spoilt: set[str] = field(default_factory=set)
    """STANs that got 91 or 96, or nothing; a repeat gets again what its first got."""
    wrong: list[str] = field(default_factory=list)


def script(bench: Bench) -> list[IsoMessage]:
    """Write fifty requests of every kind."""
    said: list[IsoMessage] = []
    for number in range(REQUESTS):
        pan = (PAN, OTHER_PAN)[number % 2]
        pin = "999999" if number % 7 == 3 else PIN
        changes: dict[int, str | None] = {
            2: pan, 11: f"{number:06d}", 37: f"518107{number:06d}", 52: bench.pin_block(pin, pan),
        }  # fmt: skip
        kinds = {4: network("301"), 9: network("001")}
        said.append(kinds.get(number % 10) or bench.inquiry(changes))
        if number % 5 == 2:
            said[-1] = repeat_of(said[-2])
    return said


class Peer:
    """Who says the script: with MACs, under a key that is changed in the midst of it, or without.

    It uses the new key once it was told 00.
    """

    def __init__(self, bench: Bench, *, signs: bool) -> None:
        """Begin with the bench's key."""
        self._bench, self._signs = bench, signs
        self._key = bench.mac_key

    def says(self, message: IsoMessage) -> list[IsoMessage]:
        """Say one message; return the answers."""
        bench = self._bench
        if not self._signs:
            return bench.feed(bench.dialect.packager.pack(message))
        answers = bench.feed(signed_payload(bench, message, self._key))
        if message.get(70) == NEW_KEY and [one[39] for one in answers] == ["00"]:
            self._key = NEW
        return answers


def play(fails_at: int, way: Way, *, signs: bool = False) -> Played:
    """Run the script with one fault, or with none."""
    policy = MacPolicy.REQUIRED if signs else MacPolicy.OFF
    bench = Bench(banks=(bank(mac=policy),), bad_frames_per_minute=0, echo_idle_seconds=0.0)
    bench.link_card(OTHER_PAN, STRANGER, PIN)
    kept = bench.memory
    frail = Frail(
        bench.vault, cards=kept.cards, persons=kept.persons, histories=kept.histories,
        fails_at=fails_at, way=way,
    )  # fmt: skip
    bench.memory = frail
    played = Played(0, "")
    said, peer = script(bench), Peer(bench, signs=signs)
    if signs:
        said.insert(REQUESTS // 2, delivery(bench))
    for message in [network("001"), *said]:
        answers = peer.says(message)
        played.codes.append("+".join(answer[39] for answer in answers))
        if played.codes[-1] in ("", "91", "96"):
            played.spoilt.add(message[11])
        is_lost = not answers and message.mti != "0800" and not has_ended(frail, message)
        if len(answers) > 1 or is_lost or (not answers and frail.hit != "MakeMac"):
            played.wrong.append(f"{len(answers)} answers")
        elif not answers:
            continue
        elif answers[0].mti == "0210" and answers[0][39] == "00" and not has_row(frail, answers[0]):
            played.wrong.append("approved without a row")
    if bench.switch.in_flight or bench.house.flights or bench.house.changing_keys:
        played.wrong.append("something is left under way")
    played.calls, played.hit = frail.calls, frail.hit
    return played


def has_ended(memory: Memory, request: IsoMessage) -> bool:
    """Tell whether how a request ended is on disk."""
    return any(
        isinstance(row, Commit) and row.entry.key.rrn == request.get(37) for row in memory.rows
    )


def has_row(memory: Memory, answer: IsoMessage) -> bool:
    """Tell whether an approval is on disk."""
    return any(
        isinstance(row, Commit)
        and row.entry.key.rrn == answer[37]
        and row.ending.response_code == "00"
        for row in memory.rows
    )


def compare(played: Played, well: Played) -> None:
    """Only the hit one may say 91 or 96, and its repeat."""
    if len(played.spoilt) > 1:
        played.wrong.append(f"{len(played.spoilt)} requests say 91 or 96")
    if played.hit and not played.spoilt and played.codes != well.codes:
        played.wrong.append("an answer changed and nobody said that something failed")


def measure(trial: Trial) -> Found:
    """Let each call fail in each way."""
    stride = trial.size(STRIDE_SHORT, 1)
    wrong, hits, runs, calls = Counter[str](), Counter[str](), 0, 0
    for signs in (False, True):
        well = play(-1, not_made, signs=signs)
        wrong.update(f"without a fault: {what}" for what in well.wrong)
        calls += well.calls
        for fails_at in range(0, well.calls, stride):
            for way in WAYS:
                played = play(fails_at, way, signs=signs)
                compare(played, well)
                runs += 1
                hits[played.hit] += 1
                wrong.update(f"{played.hit} {way.__name__}: {what}" for what in played.wrong)
    told, told_calls, untold = sweep(stride)
    wrong.update(untold)
    got = (
        f"{runs:,} runs of {REQUESTS} requests, {calls} calls of {len(hits)} kinds; "
        f"{told:,} runs of {EVENTS} events, {told_calls} calls: {wrong.total()} wrong"
    )
    notes = tuple(f"{count} x {what}" for what, count in wrong.most_common(10))
    return Found(got, is_held=not wrong, notes=notes)


GOAL = Goal("G27", "every neighbour's call fails once", "one answer each, no 00 unseen", measure)

if __name__ == "__main__":
    prove(GOAL)
