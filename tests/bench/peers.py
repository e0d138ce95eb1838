"""A round trip of the codec beside other ISO 8583 libraries', and each way alone.

Plan: each library is installed by its name, as the index has it, into an environment of its own
that is removed afterwards; it runs in a process there and takes turns with ours.
Limits: where the index cannot be reached, or a library does not install or run, its row says
so.  None of them checks what ours does.
"""

import json
import os
import shutil
import subprocess
import venv
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import product
from pathlib import Path

from atm_switch.profile.load import load_profile
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager
from tests.bench.codec import PURE, Trips, trees_of, trips_of
from tests.bench.codec_trips import ANSWER, REQUEST
from tests.bench.figure import Bench, Goal, Got

NODE = "iso_8583"
"""Of npm; the others are of Python."""
PEERS = ("py8583", "starkbank-iso8583", "iso8583sim", NODE)
BESIDE = {
    "ours": "codec round trip against {}, CPU, {}",
    "read": "codec reading against {}, CPU, {}",
    "write": "codec writing against {}, CPU, {}",
}
"""Names of the figures by those of the trips."""
VARIANTS = (PURE, "compiled")
GOALS = tuple(
    Goal(name.format(peer, one), least=1, aim=50)
    for peer in PEERS
    for one in VARIANTS
    for name in BESIDE.values()
)
CALLS, SECONDS_MAX = 400, 300
SCRIPTS = Path(__file__).parent


class Peer:
    """A library's process."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        """Take a started one, and tell it what the messages are."""
        self._process = process
        packager = Packager(load_profile("bpjstk-jht-v1"))
        payload = packager.pack(IsoMessage("0200", REQUEST)).decode("ascii")
        self._tell(json.dumps([REQUEST, [52], ANSWER, payload]))

    def microseconds(self, trip: str) -> float:
        """Run a trip for a while.  Raises ``ValueError`` where the process has ended."""
        self._tell(f"{trip} {CALLS}")
        assert self._process.stdout is not None
        return float(self._process.stdout.readline())

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        print(line, file=self._process.stdin, flush=True)


def installed(peer: str, folder: Path) -> str:
    """Install a library into a new environment; return why not, or nothing."""
    if peer == NODE:
        if shutil.which("npm") is None:
            return "npm is not installed"
        folder.mkdir()
        command = ["npm", "install", "--silent", "--prefix", str(folder), peer]
    else:
        venv.create(folder, with_pip=True)
        command = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q", peer]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS_MAX,
    )
    return done.stderr.strip().rpartition("\n")[2] if done.returncode else ""


@contextmanager
def running(peer: str, folder: Path) -> Iterator[Peer]:
    """Start a library's process."""
    program = [str(folder / "bin" / "python"), "-I", str(SCRIPTS / "peer_trips.py"), peer]
    if peer == NODE:
        program = ["node", str(SCRIPTS / "peer_trips.js"), str(folder)]
    with subprocess.Popen(
        program,
        env={**os.environ},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            yield Peer(process)
        finally:
            process.kill()


def measure(bench: Bench) -> Iterator[Got]:
    """Measure the rows of ``GOALS``."""
    trees, missing = trees_of(bench)
    with ExitStack() as stack:
        ours = {
            one: stack.enter_context(trips_of(tree, is_pure=one == PURE))
            for one, tree in trees.items()
        }
        for peer in PEERS:
            bench.say(f"installing {peer}")
            folder = bench.folder / peer
            why = installed(peer, folder)
            try:
                taken = {} if why else beside(peer, folder, ours, bench.rounds)
            except (ValueError, OSError):
                taken, why = {}, "it does not run on this interpreter"
            for one, (trip, name) in product(VARIANTS, BESIDE.items()):
                figure = name.format(peer, one)
                if (one, trip) in taken:
                    yield got(figure, peer, taken[one, trip])
                else:
                    yield Got.left_out(figure, why or missing)


def beside(
    peer: str, folder: Path, ours: dict[str, Trips], rounds: int
) -> dict[tuple[str, str], list[tuple[float, float]]]:
    """Take turns; return microseconds of the peer and of ours, by variant and trip, each round."""
    taken: dict[tuple[str, str], list[tuple[float, float]]] = {
        pair: [] for pair in product(ours, BESIDE)
    }
    with running(peer, folder) as process:
        for trip in BESIDE:
            process.microseconds(trip)  # warms up
        for _, trip in product(range(rounds), BESIDE):
            theirs = process.microseconds(trip)
            for one, trips in ours.items():
                taken[one, trip].append((theirs, trips.microseconds(trip)))
    return taken


def got(name: str, peer: str, taken: list[tuple[float, float]]) -> Got:
    """Make a row of a peer's rounds."""
    parts = {peer: min(pair[0] for pair in taken), "ours": min(pair[1] for pair in taken)}
    return Got(name, [theirs / mine for theirs, mine in taken], parts=parts)
