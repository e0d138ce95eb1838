"""The pieces of an inquiry, each run by itself for callgrind to count: by turns, in one process.

    python -m tests.bench.path_trips NAME...    runs each 100 times

Plan: a real switch, codec and vault answer one golden inquiry (``tests/doubles/bench.py``); what
each piece was given is kept, and the piece is run with that again.  "core" is a whole inquiry of
its own each time, from the payload to the packed answer, with neighbours in memory; "account" is
the same member's look-up in a real ledger file.  "codec" and "pyiso8583" are those of
``codec_trips``: the yardstick, for it is nobody's here to change.
Limits: sockets, log line and the journal's thread are not counted; the PIN is the acquirer's.
The texts that are kept a while (a day's, a language's) are found, as in a busy second.
"""

import gc
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from atm_switch.ledger.ledger_sqlite import SqliteLedger
from atm_switch.switch import balance_inquiry, inner_doors
from atm_switch.switch.policy import PinPolicy
from atm_switch.wire.framing import Frame
from tests.bench.codec_trips import Trip, round_trips
from tests.doubles.bench import Bench, bank
from tests.doubles.ledger_bench import BUDI, TODAY, LedgerBench

WARM, COUNTED = 20, 100
PIECES = {
    "entry": (balance_inquiry, "_entry"),
    "draw_up": (inner_doors, "draw_up"),
    "approved": (balance_inquiry, "approved"),
}
"""Functions a piece is: where the corridor finds it, and its name."""
NAMES = ("core", "account", *PIECES, "codec", "pyiso8583")


@contextmanager
def path_trips(names: Sequence[str] = NAMES) -> Iterator[dict[str, Trip]]:
    """Return the pieces; only where the look-up is among ``names`` a ledger is made for it."""
    codec = round_trips()
    bench = Bench(banks=(bank(pin=PinPolicy.ACQUIRER),))
    bench.sign_on()
    pieces = _given(bench)
    pieces |= {"core": _core(bench), "codec": codec["ours"], "pyiso8583": codec["pyiso8583"]}
    if "account" not in names:
        yield pieces
        return
    with tempfile.TemporaryDirectory() as folder, closing(_ledger(Path(folder))) as ledger:
        yield {**pieces, "account": lambda: ledger.account(BUDI, TODAY)}


def _given(bench: Bench) -> dict[str, Trip]:
    """Have one inquiry answered; return each piece with what it was given."""
    pieces: dict[str, Trip] = {}

    def kept(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def keep(*args: Any) -> Any:
            pieces[name] = lambda: function(*args)
            return function(*args)

        return keep

    undo = [(owner, name, getattr(owner, name)) for owner, name in PIECES.values()]
    try:
        for piece, (owner, name) in PIECES.items():
            setattr(owner, name, kept(piece, getattr(owner, name)))
        answer = bench.ask(bench.inquiry({52: None}))
    finally:
        for owner, name, function in undo:
            setattr(owner, name, function)
    if answer[39] != "00" or set(pieces) != set(PIECES):
        raise LookupError("the corridor does not take its pieces from where this command looks")
    return pieces


def _core(bench: Bench) -> Trip:
    count = COUNTED + WARM
    frames = iter([
        Frame(b"", bench.dialect.packager.pack(bench.inquiry(
            {52: None, 11: f"{number:06d}", 37: f"518107{number:06d}"}
        )))
        for number in range(1000, 1000 + count)
    ])  # fmt: skip

    def core() -> None:
        bench.perform(bench.switch.received(1, next(frames), bench.now))

    return core


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
