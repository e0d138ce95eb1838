"""A real switch under many guesses at once, killed and started again in between.

Plan: every guess is sent once, over one of many links.  A link whose switch dies connects
to the next one; a guess that was under way then is ``cut off`` and not sent again.  What
answers, what writes the journal, or both are killed (SIGKILL) so long after so many guesses
have been sent.  Beside a writer that is killed the switch goes on: a guess that was under way
is refused (96), and none is made until the next one writes.
The clock is moved by libfaketime, for all processes, where that is installed, and else for what
answers alone.
"""

import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from atm_switch.adapters.journal_reader import JournalReader
from atm_switch.domain.card import Pan, luhn_digit
from atm_switch.domain.secret import Pin
from atm_switch.folder import open_folder
from atm_switch.security.pvv import visa_pvv
from terminal_emulator.kit import read_kit
from tests.doubles.processes import WRITER_KILLS_MAX, Victim, send
from tests.doubles.served import Served, make_folder, run, serve
from tests.doubles.talk import HungUp, Talk, inquiry, stamp

RIGHT_PIN = "271828"
OWNER = "12345678901"
"""A sample member."""
FAR_EXPIRY = "4912"
CUT_OFF, NOT_WRITTEN = "cut off", "96"
MINUTE = 60.0
MONOTONIC_AS_IT_IS = {"DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
PVKI = "1"
SECONDS_MAX = 60.0
"""How long anything may take before a siege says that it hangs."""


@dataclass(frozen=True, slots=True)
class Target:
    """A card to guess at, and wrong PINs that its value tells from the right one."""

    pan: str
    wrong: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kill:
    """When to kill whom: so many seconds after so many guesses were sent."""

    sent: int
    seconds: float
    victim: Victim = Victim.ANSWERING


class Siege:
    """A folder with cards, and the switch that serves it at the moment."""

    def __init__(self, folder: Path, links: int) -> None:
        """Wait for ``start``."""
        self.folder = folder
        self.links = links
        self.days = 0
        self._kit = read_kit(folder / "terminal-kit.json")
        self._running = ExitStack()
        self._served: Served | None = None
        self._changed = threading.Condition()
        self._numbers = iter(range(1, 1_000_000))
        self._sent = self._connected = 0
        self._can_write = True
        self._writer_kills: list[float] = []
        """Of the switch that runs now; monotonic seconds."""
        self.killed: Counter[Victim] = Counter()

    def start(self, days: int = 0) -> None:
        """Start the switch, its clock ``days`` off."""
        served = self._running.enter_context(serve_off(self.folder, days))
        self._writer_kills = []
        with self._changed:
            self._served, self.days = served, days
            self._changed.notify_all()

    def kill(self, victim: Victim = Victim.BOTH) -> None:
        """Kill where it stands; a writer that was killed often already, the switch with it.

        Where only the writer was, the next one writes when this returns.
        """
        assert self._served is not None
        since = time.monotonic() - MINUTE
        recent = sum(at > since for at in self._writer_kills)
        if victim is Victim.WRITER and recent >= WRITER_KILLS_MAX:
            victim = Victim.BOTH
        self.killed[victim] += 1
        if victim is Victim.WRITER:
            self._kill_writer(self._served)
        else:
            self._kill_switch(victim)

    def _kill_switch(self, victim: Victim) -> None:
        with self._changed:
            served, self._served = self._served, None
        assert served is not None
        send(served.process.pid, signal.SIGKILL, victim)
        served.process.wait()
        self._running.close()

    def _kill_writer(self, served: Served) -> None:
        with self._changed:
            self._can_write = False
        self._writer_kills.append(time.monotonic())
        send(served.process.pid, signal.SIGKILL, Victim.WRITER)
        deadline = time.monotonic() + SECONDS_MAX
        with Talk(served.port, self._kit, self.days, self.folder) as talk:
            while talk.ask(talk.network("001"))[39] != "00":  # a sign-on is written, too
                assert time.monotonic() < deadline, "the journal's writer does not come back"
                time.sleep(0.02)
        with self._changed:
            self._can_write = True
            self._changed.notify_all()

    def stop(self) -> None:
        """Stop the switch as an operator does."""
        self._running.close()

    def ask_once(self, pan: str, pin: str) -> str:
        """Ask on a link of its own and return DE39."""
        with self._connect() as talk:
            return self._guess(talk, pan, pin)

    def guess(self, target: Target, guesses: int, kills: Sequence[Kill]) -> Counter[str]:
        """Send so many wrong PINs, killing in between; count what they got.

        Where there are kills the switch stands still (SIGSTOP) until the first is due, so
        that it meets all first guesses at once.
        """
        got: Counter[str] = Counter()
        self._sent = self._connected = 0
        left = iter([target.wrong[at % len(target.wrong)] for at in range(guesses)])
        gate = threading.Event()
        with ThreadPoolExecutor(self.links) as pool:
            working = [
                pool.submit(self._work, target.pan, left, got, gate) for _ in range(self.links)
            ]
            try:
                self._wait(lambda: self._connected == self.links)
                if kills:
                    self._signal(signal.SIGSTOP)
            finally:
                gate.set()
            for one in kills:
                self._wait(partial(self._has_sent, min(one.sent, guesses)))
                self._signal(signal.SIGCONT)
                time.sleep(one.seconds)
                self.kill(one.victim)
                if self._served is None:
                    self.start()
            for worker in working:
                worker.result()
        return got

    def _has_sent(self, guesses: int) -> bool:
        return self._sent >= guesses

    def _wait(self, is_so: Callable[[], bool]) -> None:
        with self._changed:
            self._until(is_so)

    def _until(self, is_so: Callable[[], bool]) -> None:
        assert self._changed.wait_for(is_so, SECONDS_MAX), "the siege does not get on"

    def _signal(self, number: signal.Signals) -> None:
        assert self._served is not None
        self._served.process.send_signal(number)

    def _work(
        self, pan: str, left: Iterator[str], got: Counter[str], gate: threading.Event
    ) -> None:
        talk: Talk | None = self._connect()
        with self._changed:
            self._connected += 1
            self._changed.notify_all()
        gate.wait()
        while (pin := self._next(left)) is not None:
            talk = talk or self._connect()
            try:
                code = self._guess(talk, pan, pin)
            except HungUp:
                talk.close()
                talk, code = None, CUT_OFF
            with self._changed:
                got[code] += 1
        if talk is not None:
            talk.close()

    def _next(self, left: Iterator[str]) -> str | None:
        with self._changed:
            self._until(lambda: self._can_write)
            return next(left, None)

    def _connect(self) -> Talk:
        while True:
            with self._changed:
                self._until(lambda: self._served is not None and self._can_write)
                assert self._served is not None
                port = self._served.port
            try:
                talk = Talk(port, self._kit, self.days, self.folder)
            except HungUp:
                continue  # killed again meanwhile
            with suppress(HungUp):
                if talk.ask(talk.network("001"))[39] == "00":
                    return talk
            talk.close()  # killed as well, or the writer was

    def _guess(self, talk: Talk, pan: str, pin: str) -> str:
        with self._changed:
            number = next(self._numbers)
            self._sent += 1
            self._changed.notify_all()
        elements = {2: pan, 7: stamp(self.days), 52: talk.pin_block(pin, pan)}
        return talk.ask(inquiry(number, elements))[39]

    def granted(self, pan: str) -> int:
        """Count, in the journal on disk, how often a PIN of the card could be looked at."""
        opened = open_folder(self.folder)
        digest = opened.vault().card_ref(Pan(pan)).digest
        with JournalReader(opened.journal) as reader:
            rows = reader.follow(0, sys.maxsize)
        return sum(row.pin_granted or 0 for row in rows if row.card_digest == digest)


def faketime() -> Path | None:
    """Find libfaketime for programs with threads."""
    return next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)


def serve_off(folder: Path, days: int) -> AbstractContextManager[Served]:
    """Serve with a clock ``days`` off: that of all processes, or of what answers alone."""
    library = faketime()
    if not days or library is None:
        return serve(folder, days=days)
    environment = {"LD_PRELOAD": str(library), "FAKETIME": f"{days:+d}d", **MONOTONIC_AS_IT_IS}
    return serve(folder, environment=environment)


@contextmanager
def besieged(root: Path, cards: int, links: int) -> Iterator[tuple[Siege, list[Target]]]:
    """Make a folder with so many cards of one PIN, and serve it for a block."""
    folder = make_folder(root, "--mac", "required")
    targets = _link(folder, cards)
    siege = Siege(folder, links)
    siege.start()
    try:
        yield siege, targets
    finally:
        siege.stop()


def _link(folder: Path, cards: int) -> list[Target]:
    vault = open_folder(folder).vault()
    pvk = vault.pvk(PVKI)
    assert pvk is not None
    rows, targets = ["pan,expiry,kpj,pvv,pvki,status"], []
    for serial in range(cards):
        body = f"99900977{serial:07d}"
        pan = Pan(body + luhn_digit(body))
        values = {
            pin: visa_pvv(Pin(pin.encode()), pan, PVKI, pvk.token)
            for pin in (RIGHT_PIN, *(f"{number:04d}99" for number in range(0, 10_000, 9)))
        }
        right = values[RIGHT_PIN]
        rows.append(f"{pan.digits},{FAR_EXPIRY},{OWNER},{right},{PVKI},active")
        wrong = tuple(pin for pin, value in values.items() if value != right)
        targets.append(Target(pan.digits, wrong))
    file = folder.parent / "besieged.csv"
    file.write_text("\n".join(rows) + "\n")
    done = run("cards", "link", folder, file)
    assert 0 == done.returncode, done.stderr
    return targets
