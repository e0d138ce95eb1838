"""CPU a request, split by step: where the time of a durable inquiry goes.

    python -m tests.bench.steps DIR CARDS [--kit FILE] [--seconds 3] [--rounds 3]

DIR as the last figure left it: its policies must be those of the kit.

Plan: the switch of the data folder DIR runs in this process, loaded by ``generator`` from
another one; functions at the borders of the steps are wrapped, and each moment of the loop's
thread belongs to the innermost wrapped function.  What the wrapping itself costs is measured
and taken off.  The threads of the journal and of the log are counted whole.
Limits: types of C cannot be wrapped, so compiled, the codec's time is that of whoever calls it;
the journal is written by a thread; asks for the kernel's count of a thread's CPU, so waiting for
a lock costs nothing here.
"""

import asyncio
import json
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

import click

from atm_switch.adapters.journal_writer import JournalWriter
from atm_switch.app import Service
from atm_switch.folder import open_folder
from atm_switch.publishing import Publishing
from atm_switch.security.vault import Vault
from atm_switch.server.desk import Desk
from atm_switch.server.event_loop import new_loop
from atm_switch.server.line import Line
from atm_switch.server.log import make_logger
from atm_switch.server.meters import Meters
from atm_switch.server.performer import Performer
from atm_switch.switch import balance_inquiry, inner_doors
from atm_switch.switch.ports import FindAccount, FindCard, FindRepeat, FindSiblings
from atm_switch.switch.switch import Switch
from atm_switch.wire import VARIANT
from atm_switch.wire.framing import FrameBuffer
from atm_switch.wire.packager import Packager
from tests.bench.generator import Wishes
from tests.figures.banner import print_banner

REST = "event loop and sockets"
BORDERS: tuple[tuple[str, Any, str], ...] = (
    ("framing", Line, "data_received"),
    ("framing", Line, "flush"),
    ("framing", Line, "put"),
    ("decode", Packager, "unpack"),
    ("encode", Packager, "pack"),
    ("doors and core", Switch, "received"),
    ("doors and core", Switch, "answered"),
    ("hashes", Vault, "fingerprint"),
    ("hashes", Vault, "card_ref"),
    ("hashes", Vault, "card_refs"),
    ("statement and slip", balance_inquiry, "approved"),
    ("statement and slip", inner_doors, "draw_up"),
    ("desk", Desk, "received"),
    ("desk", Desk, "delivered"),
    ("desk", Performer, "perform"),
    ("log line", Performer, "note"),
    ("metrics", Meters, "take"),
    ("metrics", Meters, "journal_answered"),
    ("events", Publishing, "heard"),
    ("hand-off to the journal", JournalWriter, "submit"),
)
LOOK_UPS = {
    FindRepeat: "journal look-up",
    FindCard: "registry look-up",
    FindSiblings: "ledger look-up",
    FindAccount: "ledger look-up",
}


class Split:
    """Adds up the loop's thread by step."""

    def __init__(self) -> None:
        """Begin with nothing, and find out what a wrapped call costs."""
        self.spent: defaultdict[str, int] = defaultdict(int)
        self.calls: defaultdict[str, int] = defaultdict(int)
        self._stack: list[str] = []
        self._since = 0
        self.overhead = self._cost()

    def reset(self) -> None:
        """Forget what was added up."""
        self.spent.clear()
        self.calls.clear()

    def wrapped(self, step: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``function``, its own time counted as ``step``."""
        stack, spent, calls, now = self._stack, self.spent, self.calls, time.thread_time_ns
        loop_thread = threading.get_ident()

        def timed(*args: Any, **named: Any) -> Any:
            if threading.get_ident() != loop_thread:
                return function(*args, **named)
            at = now()
            if stack:
                spent[stack[-1]] += at - self._since
            stack.append(step)
            calls[step] += 1
            self._since = now()
            try:
                return function(*args, **named)
            finally:
                at = now()
                spent[stack.pop()] += at - self._since
                self._since = now()

        return timed

    def microseconds(self, step: str, requests: int) -> float:
        """Return what a step costs a request."""
        net = self.spent[step] - self.calls[step] * self.overhead
        return max(net, 0.0) / requests / 1000

    def _cost(self) -> float:
        nothing = self.wrapped("nothing", lambda: None)
        for _ in range(20_000):
            nothing()
        cost = self.spent["nothing"] / self.calls["nothing"]
        self.reset()
        return cost


def wrap_borders(split: Split) -> None:
    """Wrap every function at a border."""
    for step, owner, name in BORDERS:
        with suppress(TypeError):  # a type of C
            setattr(owner, name, split.wrapped(step, getattr(owner, name)))
    frames = FrameBuffer.frames

    def whole(buffer: FrameBuffer) -> Any:
        return iter(list(frames(buffer)))

    FrameBuffer.frames = split.wrapped("framing", whole)  # type: ignore[method-assign]


async def measured(folder: Path, wishes: Wishes, split: Split) -> dict[str, float]:
    """Run the switch under load once; microseconds a request by step."""
    opened = open_folder(folder)
    log = make_logger(opened.settings.log.format, opened.settings.log.level)
    service = Service(opened, opened.vault(), log)
    await service.start()
    _wrap_look_ups(service, split)
    port = int(service.addresses[0].rpartition(":")[2])
    program = ["-m", "tests.bench.generator", json.dumps({**asdict(wishes), "port": port})]
    load = await asyncio.create_subprocess_exec(sys.executable, *program, stdin=-1, stdout=-1)
    assert load.stdin is not None
    assert load.stdout is not None
    await load.stdout.readline()
    split.reset()
    loop_before, all_before = time.thread_time(), time.process_time()
    load.stdin.close()
    told = json.loads(await load.stdout.readline())
    loop_spent = time.thread_time() - loop_before
    threads = time.process_time() - all_before - loop_spent
    await load.wait()
    await service.stop()
    count = told["answered"]
    if not count or told["faults"]:
        raise ChildProcessError(f"{told['codes']} {told['faults']}")
    found = {step: split.microseconds(step, count) for step in dict.fromkeys(_steps())}
    wrapping = sum(split.calls.values()) * split.overhead / 1000 / count
    named = sum(split.spent.values()) / 1000 / count
    found[REST] = max(loop_spent / count * 1e6 - named - wrapping, 0.0)
    found["threads: journal and log"] = threads / count * 1e6
    return {**found, "inquiries a second": told["per_second"]}


def _steps() -> list[str]:
    return [step for step, _, _ in BORDERS] + list(LOOK_UPS.values())


def _wrap_look_ups(service: Service, split: Split) -> None:
    desk = service.desk
    assert desk is not None
    performer = desk._performer
    performer._neighbours = {
        asked: split.wrapped(LOOK_UPS[asked], answer) if asked in LOOK_UPS else answer
        for asked, answer in performer._neighbours.items()
    }


def _one(folder: Path, wishes: Wishes, split: Split) -> dict[str, float]:
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(measured(folder, wishes, split))


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("cards", type=click.Path(path_type=Path))
@click.option("--kit", type=click.Path(path_type=Path, exists=True),
              help="The terminal's, if not the folder's own.")  # fmt: skip
@click.option("--seconds", default=3.0, show_default=True)
@click.option("--rounds", default=3, show_default=True)
def main(folder: Path, cards: Path, kit: Path | None, seconds: float, rounds: int) -> None:
    """Print the split, the median of the rounds."""
    print_banner(f"CPU of a durable inquiry by step, {VARIANT}")
    split = Split()
    wrap_borders(split)
    held = str(kit or folder / "terminal-kit.json")
    wishes = Wishes(port=0, cards=str(cards), seconds=seconds, kit=held)
    taken = [_one(folder, wishes, split) for _ in range(rounds)]
    medians = {step: median(one[step] for one in taken) for step in taken[0]}
    pace = medians.pop("inquiries a second")
    for step, spent in medians.items():
        click.echo(f"{step:28} {spent:7.1f} us")
    click.echo(f"{'all':28} {sum(medians.values()):7.1f} us, {pace:,.0f} inquiries/s")


if __name__ == "__main__":
    main()
