"""G17: ten thousand idle terminals, in plain and by TLS: memory, and the active ones beside.

    python -m tests.chaos.idle_terminals [--long] [--seed S]

Plan: rounds of an honest load alone and beside the idle ones, signed on and silent, in turn,
so that whatever else the machine does hits both; a round begins when the idle ones have come, or
gone, and the journal has written that, and in the long form so late that the kernel's probes for
dead peers fall into it; what counts is the middle round, and the memory of all processes of the
switch, not what the idle ones added: their proportional set size (PSS), of which the kernel tells
root alone, and else the resident one, the libraries they share counted once, which is told in
either case.  What a request costs the switch in CPU, the process that writes its journal counted,
is told beside.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from atm_switch.server.admin_socket import FILE_NAME, ask_switch
from atm_switch.server.tcp_options import IDLE_SECONDS
from tests.bench.generator import cpu_seconds_of_all
from tests.chaos.crowd import crowd
from tests.chaos.honest import Honest, Script, Tally, evenly
from tests.chaos.plant import Plant, allow_many_files, running, set_up
from tests.chaos.proof import Found, Goal, Trial, prove
from tests.doubles.certificates import LabCa
from tests.doubles.workers import wait_for

MANY = (
    "[limits]\nconnections_max = 30000\nconnections_per_peer_max = 30000\necho_idle_seconds = 0\n"
)
BANK = "switch.bank.example"
PLAIN_MIB_MAX, TLS_MIB_MAX = 100, 500
LINKS, RATE = 20, 10.0
SECONDS_SHORT, SECONDS_LONG = 3.0, 8.0
"""A round; half frames are closed after ten seconds, and then there is no attack any more."""
PROBED_SECONDS = 3.0
"""By then the kernel has asked after every peer that has been silent for ``IDLE_SECONDS``."""
SHARE_MAX, MS_MAX = 0.10, 3.0
ROUNDS_SHORT, ROUNDS_LONG = 3, 9


async def active(script: Script, port: int, tally: Tally, seconds: float) -> None:
    """Twenty links, two hundred requests a second, one every five milliseconds."""
    links = [await Honest.open(script, port) for _ in range(LINKS)]
    await evenly(links, tally, RATE, seconds)
    for link in links:
        link.close()


def seconds_of(trial: Trial) -> float:
    """How long a round is."""
    return SECONDS_LONG if trial.is_long else SECONDS_SHORT


def load(plant: Plant, script: Script, trial: Trial) -> Tally:
    """One round of honest load."""
    tally = Tally()
    asyncio.run(active(script, plant.port, tally, seconds_of(trial)))
    return tally


@dataclass(frozen=True, slots=True)
class Memory:
    """What all processes of a switch take at a moment, KiB."""

    resident: int
    pss: dict[str, int]

    @classmethod
    def of(cls, plant: Plant) -> Self:
        """Look."""
        return cls(plant.resident_kib, plant.pss_kib)

    @property
    def kib(self) -> int:
        """What counts."""
        return sum(self.pss.values()) or self.resident

    def since(self, before: Self, count: int) -> str:
        """Say it, and what each of so many has added."""
        each = ", ".join(f"{name} {kib / 1024:.0f}" for name, kib in self.pss.items())
        pss = f"PSS {self.kib / 1024:.0f} MiB ({each}), " if self.pss else ""
        added = (self.resident - before.resident) / max(count, 1)
        return f"{pss}{self.resident / 1024:.0f} MiB resident ({added:.1f} KiB each)"


@dataclass
class Rounds:
    """Rounds under the same circumstances."""

    tallies: list[Tally] = field(default_factory=list)
    cpu_seconds: float = 0.0

    def add(self, plant: Plant, script: Script, trial: Trial) -> None:
        """Load the switch for one more, and count its CPU."""
        before = cpu_seconds_of_all(plant.pid)
        self.tallies.append(load(plant, script, trial))
        self.cpu_seconds += cpu_seconds_of_all(plant.pid) - before

    @property
    def cpu_ms(self) -> float:
        """What a request cost."""
        return 1000 * self.cpu_seconds / sum(len(one.answers) for one in self.tallies)

    @property
    def are_good(self) -> bool:
        """Whether every request was approved."""
        return all(one.codes.keys() == {"00"} and not one.hung_up for one in self.tallies)


def wait_until_at_rest(plant: Plant, links: int) -> None:
    """Wait until so many are there, all signed on, and nothing is under way any more."""

    def is_at_rest() -> bool:
        told = ask_switch(plant.folder / FILE_NAME, "status")
        there = told["links"], sum(told["signed_on"].values())
        return there == (links, links) and not (told["in_flight"] or told["journal_waiting"])

    wait_for(is_at_rest)


def middle_p99(rounds: Sequence[Tally]) -> float:
    """Return the middle one of the 99th percentiles, in milliseconds."""
    return sorted(one.percentile(0.99) for one in rounds)[len(rounds) // 2]


def is_as_fast(alone: float, beside: float) -> bool:
    """Tell whether a 99th percentile is at most a tenth or three milliseconds later."""
    return beside <= alone + max(SHARE_MAX * alone, MS_MAX)


def plain_part(trial: Trial, root: Path, count: int) -> tuple[bool, str]:
    """Without TLS, with an honest load beside."""
    plant = set_up(root, "--pin", "acquirer", settings=MANY, is_patient=not trial.is_timed)
    alone, beside, fewest, most = Rounds(), Rounds(), count, Memory(0, {})
    with running(plant):
        script = Script(plant.folder)
        load(plant, script, trial)  # warm
        before = Memory.of(plant)
        for _ in range(trial.size(ROUNDS_SHORT, ROUNDS_LONG, 1)):
            wait_until_at_rest(plant, 0)
            alone.add(plant, script, trial)
            with crowd(plant.port, count, "--sign-on") as idle:
                wait_until_at_rest(plant, count)
                if trial.is_long:
                    time.sleep(IDLE_SECONDS + PROBED_SECONDS - SECONDS_LONG)
                beside.add(plant, script, trial)
                most = max(most, Memory.of(plant), key=lambda one: one.kib)
                there, _ = idle.left()
                fewest = min(fewest, there)
        plant.stop()
    p99 = middle_p99(alone.tallies), middle_p99(beside.tallies)
    said = (
        f"{fewest:,} plain: {most.since(before, count)}, "
        f"p99 {p99[0]:.1f} ms alone, {p99[1]:.1f} ms beside, "
        f"CPU of a request {alone.cpu_ms:.2f} ms alone, {beside.cpu_ms:.2f} ms beside"
    )
    is_small = fewest == count and most.kib < PLAIN_MIB_MAX * 1024
    is_soon = trial.in_time(was=is_as_fast(*p99))
    return is_small and is_soon and alone.are_good and beside.are_good, said


def tls_part(trial: Trial, root: Path, count: int) -> tuple[bool, str]:
    """With certificates on both sides."""
    plant = set_up(root, "--pin", "acquirer", settings=MANY, is_patient=not trial.is_timed)
    ca = LabCa(root)
    files, shown = ca.server(), ca.issue(BANK)
    toml = plant.folder / "switch.toml"
    names = (
        f'tls_certificate = "../{files.certificate.name}"\ntls_key = "../{files.key.name}"\n'
        f'tls_client_ca = "../{files.client_ca.name}"\n'
    )
    text = toml.read_text().replace("[[listeners]]\n", f"[[listeners]]\n{names}")
    bank = 'name = "BANK CONTOH"\n'
    toml.write_text(text.replace(bank, f'{bank}certificate_names = ["{BANK}"]\n'))
    options = ("--cert", str(ca.file), str(shown.certificate), str(shown.key), "--sign-on")
    with running(plant):
        before = Memory.of(plant)
        with crowd(plant.port, count, *options) as idle:
            memory = Memory.of(plant)
            there, _ = idle.left()
        plant.stop()
    said = f"{there:,} by TLS: {memory.since(before, there)}"
    return there == count and memory.kib < TLS_MIB_MAX * 1024, said


def measure(trial: Trial) -> Found:
    """Both."""
    allow_many_files()
    for name in ("plain", "tls"):
        (trial.root / name).mkdir()
    plain_held, plain = plain_part(trial, trial.root / "plain", trial.size(1_000, 10_000, 300))
    tls_held, tls = tls_part(trial, trial.root / "tls", trial.size(200, 10_000, 100))
    return Found(f"{plain}; {tls}", is_held=plain_held and tls_held)


GOAL = Goal(
    "G17", "idle terminals", "10,000 under 100 MiB plain, 500 MiB by TLS (short: 1,000)", measure
)

if __name__ == "__main__":
    prove(GOAL)
