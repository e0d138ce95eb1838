"""The pieces of an inquiry, each run by itself for callgrind to count: by turns, in one process.

    python -m tests.bench.path_trips NAME...    runs each 96 times

Plan: a real switch, codec and vault answer one golden inquiry (``tests/doubles/bench.py``); what
each piece was given is kept, and the piece is run with that again.  "core" is a whole inquiry of
its own each time, from the payload to the packed answer, with neighbours in memory; ``WHOLE`` is
what it is made of, and "corridor" holds ``WITHIN`` and the doors.  "account" is the same member's
look-up in a real ledger file.  What comes behind the core, the row's way into the journal and the
line of log, is in ``journal_trips``.  "codec" and "pyiso8583" are those of ``codec_trips``: the
yardstick, for it is nobody's here to change.
Limits: sockets, threads and the kernel's share are not counted; the PIN is the acquirer's.
The texts that are kept a while (a day's, a language's) are found, as in a busy second.
"""

import gc
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import replace
from inspect import isgeneratorfunction
from pathlib import Path
from typing import Any

from atm_switch.ledger.ledger_sqlite import SqliteLedger
from atm_switch.security.vault import Vault
from atm_switch.switch import balance_inquiry, inner_doors, sending
from atm_switch.switch.authentication import guarded
from atm_switch.switch.effects import Asked
from atm_switch.switch.policy import PinPolicy
from atm_switch.switch.ports import Commit
from atm_switch.wire.framing import Frame
from atm_switch.wire.packager import Packager
from atm_switch.wire.reading import ReadMessage
from tests.bench import journal_trips
from tests.bench.codec_trips import Trip, round_trips
from tests.doubles.bench import Bench, bank
from tests.doubles.ledger_bench import BUDI, TODAY, LedgerBench
from tests.doubles.memory import Memory

WARM, COUNTED = journal_trips.ROWS, 3 * journal_trips.ROWS
PIECES: dict[str, tuple[Any, str]] = {
    "unpack": (Packager, "unpack"),
    "elements": (ReadMessage, "_made"),
    "card": (Vault, "card_refs"),
    "entry": (balance_inquiry, "_entry"),
    "corridor": (balance_inquiry, "_corridor"),
    "admit": (balance_inquiry, "admit"),
    "read": (balance_inquiry, "read"),
    "draw_up": (inner_doors, "draw_up"),
    "approved": (balance_inquiry, "approved"),
    "committed": (balance_inquiry, "_committed"),
    "note": (sending, "note_of"),
    "neighbours": (Memory, "answer"),
}
"""What a piece calls: where the core finds it, and its name."""
WHOLE = (
    "unpack", "elements", "card", "entry", "corridor", "committed", "note", "neighbours", "steps",
)  # fmt: skip
"""The pieces that are an inquiry, all together: none holds another."""
WITHIN = ("admit", "read", "draw_up", "approved")
"""The pieces that the corridor holds."""
BEHIND = journal_trips.NAMES
"""The pieces that come behind the core: what makes an answer durable, and says so."""
NAMES = ("core", *WHOLE, *WITHIN, *BEHIND, "account", "codec", "pyiso8583")


@contextmanager
def path_trips(names: Sequence[str] = NAMES) -> Iterator[dict[str, Trip]]:
    """Return the pieces; those with a file of their own only where one is among ``names``."""
    codec = round_trips()
    bench = Bench(banks=(bank(pin=PinPolicy.ACQUIRER),))
    bench.sign_on()
    pieces = _given(bench)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if not set(BEHIND).isdisjoint(names):
            pieces |= stack.enter_context(_behind(bench, folder))
        if "account" in names:
            ledger = stack.enter_context(closing(_ledger(folder)))
            pieces["account"] = lambda: ledger.account(BUDI, TODAY)
        core = _core(bench, _inquiries(bench, 1000))
        yield {**pieces, "core": core, "codec": codec["ours"], "pyiso8583": codec["pyiso8583"]}


class _Kept:
    """Every call of an inquiry's pieces, in their order, and what the neighbours answered."""

    def __init__(self) -> None:
        """Begin with none."""
        self.calls: dict[str, list[Trip]] = {}
        self.arguments: dict[str, tuple[Any, ...]] = {}
        self.answers: list[Any] = []
        self.ended: Any = None
        """What the last corridor's step returned."""

    def keeping(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``function``, whose calls and answers are kept under ``name``."""

        def keep(*args: Any) -> Any:
            self.arguments[name] = args
            self.calls.setdefault(name, []).append(lambda: function(*args))
            answer = function(*args)
            if name == "neighbours":
                self.answers.append(answer)
            return answer

        def steps(*args: Any) -> Generator[Any, Any, Any]:
            self.arguments[name] = args
            begun = len(self.answers)
            self.ended = yield from function(*args)
            answers = self.answers[begun:]
            self.calls[name] = [lambda: _driven(function(*args), answers)]
            return self.ended

        return steps if isgeneratorfunction(function) else keep


def _given(bench: Bench) -> dict[str, Trip]:
    """Have one inquiry answered; return each piece with what it was given."""
    kept = _Kept()
    payload = bench.dialect.packager.pack(bench.inquiry({52: None}))
    undo = [(owner, name, getattr(owner, name)) for owner, name in PIECES.values()]
    try:
        for piece, (owner, name) in PIECES.items():
            setattr(owner, name, kept.keeping(piece, getattr(owner, name)))
        bench.perform(bench.switch.received(1, Frame(b"", payload), bench.now))
    finally:
        for owner, name, function in undo:
            setattr(owner, name, function)
    if kept.ended is None or kept.ended.message[39] != "00" or set(kept.calls) != set(PIECES):
        raise LookupError("the core does not take its pieces from where this command looks")
    flights, key = bench.house.flights, kept.arguments["corridor"][1].key

    def corridor() -> object:
        response = kept.calls["corridor"][0]()
        flights.pop(key)  # as the switch does when the request ends
        return response

    pieces = {name: _all(calls) for name, calls in kept.calls.items()}
    return {**pieces, "corridor": corridor, "steps": _steps(bench, kept)}


def _all(calls: Sequence[Trip]) -> Trip:
    def trip() -> list[object]:
        return [call() for call in calls]

    return trip


def _driven(steps: Generator[Any, Any, Any], answers: Sequence[Any]) -> Any:
    """Give steps the answers they ask for; return what they end with."""
    try:
        steps.send(None)
        for answer in answers:
            steps.send(answer)
    except StopIteration as end:
        return end.value
    raise LookupError("the steps ask for more than there was")


def _steps(bench: Bench, kept: _Kept) -> Trip:
    """Take the switch through the questions of an inquiry, whose doors do nothing but ask."""
    switch, questions = bench.switch, bench.memory.asked[-len(kept.answers) :]
    case, response = kept.arguments["note"][0], replace(kept.ended, note=bench.notes[-1])

    def corridor() -> Generator[Any, Any, Any]:
        for question in questions:  # noqa: UP028  a tuple takes no answers
            yield question
        return response

    def trip() -> object:
        (asked,) = switch._begin(case, guarded(case, bench.house, corridor))
        for answer in kept.answers:
            assert isinstance(asked, Asked)
            asked, *_ = switch.answered(asked.ticket, answer, bench.now)
        return asked

    return trip


def _inquiries(bench: Bench, first: int) -> Iterator[Frame]:
    """Return one for each trip, every one of another STAN, counted from ``first``."""
    return iter([
        Frame(b"", bench.dialect.packager.pack(bench.inquiry(
            {52: None, 11: f"{number:06d}", 37: f"518107{number:06d}"}
        )))
        for number in range(first, first + COUNTED + WARM)
    ])  # fmt: skip


def _core(bench: Bench, frames: Iterator[Frame]) -> Trip:
    def core() -> None:
        bench.perform(bench.switch.received(1, next(frames), bench.now))

    return core


def _behind(bench: Bench, folder: Path) -> AbstractContextManager[dict[str, Trip]]:
    """Have as many inquiries answered as there are trips; keep what the journal was asked."""
    for frame in _inquiries(bench, 2000):
        bench.perform(bench.switch.received(1, frame, bench.now))
    asked = [one for one in bench.memory.asked if isinstance(one, Commit)]
    return journal_trips.journal_trips(
        folder, bench.vault, asked[-(COUNTED + WARM) :], bench.notes[-1]
    )


def _ledger(folder: Path) -> SqliteLedger:
    """Import the golden member: the year before is closed, this one has six months."""
    made = LedgerBench(folder)
    made.participants()
    rows = [f"{BUDI.digits},2025-{month:02}-01,contribution,285000.00" for month in range(1, 7)]
    closed = f"{BUDI.digits},2024-12-31,development,19409470.47"
    made.postings("\n".join([closed, *rows, ""]))
    return made.ledger()


def main() -> None:
    """Run what was named, one after the other."""
    with path_trips(sys.argv[1:]) as trips:
        for name in sys.argv[1:]:
            for _ in range(WARM):
                trips[name]()
        gc.collect()
        gc.freeze()  # a full collection within a count would be counted, wherever it fell
        for name in sys.argv[1:]:
            # A text is run by a function of C with a name, by which callgrind tells it.
            exec(f"for _ in range({COUNTED}): trip()", {"trip": trips[name]})  # noqa: S102


if __name__ == "__main__":
    main()
