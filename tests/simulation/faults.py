"""What goes wrong in a run, and when: drawn from the dice before it begins."""

from collections import Counter, deque
from typing import TYPE_CHECKING

from tests.simulation.host import Host
from tests.simulation.power_cut import Image, torn
from tests.simulation.town import HOLDERS, MOODS, WELL

if TYPE_CHECKING:
    from tests.simulation.worker import Worker
    from tests.simulation.world import World

KINDS = (
    "crash", "crash at a commit", "line cut", "line stalled", "ledger", "broker away",
    "broker slow", "disk stalled", "disk full", "booking", "line noisy", "clock jumped",
)  # fmt: skip
FAULTS_LEAST, FAULTS_MOST = 4, 12
DEATHS_MOST = 3
"""Of workers one by one, where there are several."""
LOSSES_MOST = 6
"""Of the process that writes for them."""
BEFORE, TORN, BEHIND = "before", "torn", "behind"
CLOCK_JUMPS = (-40_000, -3_600, -1_200, -600, -30, 30, 600, 1_200, 3_600, 40_000)
"""Seconds, less than a day from one to another, for which repeats are kept; of the switch's wall
clock alone, for its banks' clocks are right."""
NOISE = 0.2
COSTLY = {"ledger", "disk stalled", "disk full", "line stalled", "line noisy"}
"""What may cost somebody an answer."""
COMMITS_UNSYNCED = 3
"""How far a disk that lies is behind."""


class Faults:
    """Draws faults and carries them out."""

    def __init__(self, world: "World") -> None:
        """Plan nothing yet."""
        self._world = world
        self.counts = Counter[str]()
        self._strike: tuple[int, str] | None = None
        """At which commit from now the power goes, and what is left of that commit."""
        self._dooms_writer = self._dooms_worker = False
        self._unsynced: deque[Image] = deque(maxlen=COMMITS_UNSYNCED)

    def plan(self, seconds: float) -> None:
        """Draw what happens within so many seconds."""
        world, dice = self._world, self._world.dice
        for _ in range(dice.randint(FAULTS_LEAST, FAULTS_MOST)):
            kind = dice.choice(KINDS)
            world.loop.call_later(dice.uniform(1.0, seconds), self._happen, kind)
        for _ in range(dice.randint(0, DEATHS_MOST) if world.workers > 1 else 0):
            world.loop.call_later(dice.uniform(1.0, seconds), self._lose_worker)
        for _ in range(dice.randint(0, LOSSES_MOST) if world.workers > 1 else 0):
            world.loop.call_later(dice.uniform(1.0, seconds), self._doom_writer)

    def heal(self) -> None:
        """Have everything well again."""
        world = self._world
        world.town.mood = WELL
        world.broker.is_away, world.broker.slowness = False, 0.0
        world.is_full, world.disk_stalled_until = False, 0.0
        world.set_clock(0.0)
        world.fairness.healed()
        self._strike = None
        for bank in world.banks:
            for wire in bank.wires:
                wire.stalled_until = wire.noise = 0.0

    def image(self) -> Image:
        """Return what a power cut leaves right now."""
        if self._world.plant.lies_about_sync and self._unsynced:
            return self._unsynced[0]
        return Image.of(self._world.host.path)

    def crash(self, image: Image) -> None:
        """Have the power go; start again a while later on what is left."""
        world = self._world
        world.trace.say("fault", "the switch dies")
        self.counts["crashes"] += 1
        self._strike = None
        self._unsynced.clear()
        world.host.balance()
        world.host.die()
        self.counts += world.host.books.account()
        for bank in world.banks:
            for wire in bank.wires:
                wire.die()
        path = world.next_path()
        image.lay_out(path)
        world.auditor.survived(path)
        world.loop.call_later(world.dice.uniform(0.2, 3.0), world.live_again, path)

    def strikes(self, host: Host) -> bool:
        """Let the power go at this commit, if it is the one."""
        if self._world.plant.lies_about_sync:
            self._unsynced.append(Image.of(host.path))
        if self._strike is None:
            return False
        left, how = self._strike
        if left:
            self._strike = left - 1, how
            return False
        before = Image.of(host.path)
        if how != BEFORE:
            host.writer.step()
        after = Image.of(host.path)
        self.counts[f"commits {how}"] += 1
        self.crash(torn(before, after, self._world.dice) if how == TORN else after)
        return True

    def _lose_worker(self) -> None:
        """Have one die now, or once one has asked the journal something; if another lives."""
        host, dice = self._world.host, self._world.dice
        if dice.random() < 0.5:
            self._dooms_worker = True
        elif not host.is_dead:
            self._lose(dice.choice(host.workers), "worker dies")

    def asks(self, worker: "Worker") -> None:
        """Have it die, if one is to, before that arrives."""
        if self._dooms_worker:
            self._dooms_worker = False
            self._world.loop.call_soon(self._lose, worker, "worker dies behind a question")

    def _lose(self, worker: "Worker", how: str) -> None:
        host = self._world.host
        if self._world.is_rough and worker in host.workers and len(host.workers) > 1:
            self._world.trace.say("fault", f"a {how}")
            self.counts[how] += 1
            host.lose(worker)

    def _doom_writer(self) -> None:
        """Have the process that writes the journal die at its next commit."""
        self._dooms_writer = True

    def loses_writer(self, host: Host) -> bool:
        """Let it die at this commit, before or behind it, if it is to."""
        world = self._world
        if not (self._dooms_writer and world.is_rough and host.is_serving):
            return False
        self._dooms_writer = False
        how = world.dice.choice((BEFORE, BEHIND))
        world.trace.say("fault", f"the journal's writer dies {how} a commit")
        self.counts[f"writer dies {how} a commit"] += 1
        if how == BEHIND:
            host.writer.step()
            world.auditor.committed(host.reader)
        world.auditor.losses.append(len(world.auditor.rows))
        away = world.dice.uniform(0.2, 3.0)
        world.fairness.trouble(away, is_of_lines=False)
        host.lose_writer(away)
        return True

    def _happen(self, kind: str) -> None:
        world, dice = self._world, self._world.dice
        if not world.is_rough:
            return
        world.trace.say("fault", kind)
        self.counts[kind] += 1
        for_seconds = dice.uniform(0.5, 12.0)
        if kind in COSTLY:
            world.fairness.trouble(for_seconds, is_of_lines=kind.startswith("line"))
        match kind:
            case "crash" if world.host.is_serving:
                self.crash(self.image())
            case "crash at a commit":
                self._strike = dice.randint(0, 4), dice.choice((BEFORE, TORN, TORN, TORN, BEHIND))
            case "line cut" | "line stalled" | "line noisy":
                self._harm_line(kind, for_seconds)
            case "clock jumped":
                world.set_clock(float(dice.choice(CLOCK_JUMPS)))
            case "booking":
                holder = dice.choice(HOLDERS)
                world.town.book(holder, world.loop.time())
            case _:
                self._worsen(kind, for_seconds)

    def _harm_line(self, kind: str, seconds: float) -> None:
        wires = [wire for bank in self._world.banks for wire in bank.wires]
        if wires and kind == "line cut":
            self._world.dice.choice(wires).cut()
        for wire in wires if kind == "line stalled" else ():
            if self._world.dice.random() < 0.5:
                wire.stall(seconds)
        if kind == "line noisy":
            # Only where MACs are: on another line a bit that is turned is what was said.
            signed = [wire for bank in self._world.banks if bank.keys for wire in bank.wires]
            for wire in signed:
                wire.noise = NOISE * self._world.dice.randint(0, 1)
                self._world.loop.call_later(seconds, setattr, wire, "noise", 0.0)

    def _worsen(self, kind: str, seconds: float) -> None:
        """Have a neighbour unwell for a while."""
        world = self._world
        if kind == "ledger":
            world.town.mood = world.dice.choice(MOODS)
        elif kind == "broker away":
            world.broker.is_away = True
            world.broker.drop()
        elif kind == "broker slow":
            world.broker.slowness = world.dice.choice((0.3, 3.0, 11.0))
        elif kind == "disk stalled":
            world.disk_stalled_until = world.loop.time() + seconds
        elif kind == "disk full":
            world.is_full = True
        world.loop.call_later(seconds, self._better, kind)

    def _better(self, kind: str) -> None:
        world = self._world
        if kind == "ledger":
            world.town.mood = WELL
        elif kind == "broker away":
            world.broker.is_away = False
        elif kind == "broker slow":
            world.broker.slowness = 0.0
        elif kind == "disk full":
            world.is_full = False
