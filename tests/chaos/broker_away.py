"""G12: the broker is gone under load; no event is lost, none told out of order, no answer late.

    python -m tests.chaos.broker_away [--long] [--seed S]

Plan: a real mosquitto that keeps its subscriptions; a subscriber that keeps all it hears; a
steady load.  The broker is ended, the switch is killed with requests under way and started
again, and the broker comes back.  Every ending in the journal must be one transaction event and
every event an ending, deduplicated by event id, in the order of the outbox.
"""

import asyncio
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from atm_switch.adapters.journal_reader import JournalReader
from atm_switch.folder import open_folder
from tests.chaos.honest import Honest, Script, Tally, paced
from tests.chaos.plant import Plant, set_up
from tests.chaos.proof import Found, Goal, Trial, prove, skipped
from tests.doubles.brokers import HOST, Heard, Mosquitto, free_port

LINKS = 4
DRAIN_SECONDS_MAX = 30.0
SILENT_SECONDS_MAX = 20.0
"""Where no event came for so long, none is on its way: what was not heard by then is lost."""
SETTLED_SECONDS = 2.0
KILLED_AFTER_SECONDS = 2.0
LATER_SHARE_MAX, LATER_MS_MAX = 0.10, 3.0


@dataclass
class Auditor:
    """A subscriber whom the broker keeps everything for."""

    port: int
    heard: dict[str, int] = field(default_factory=dict)
    """Sequences by event id, in the order of their coming."""
    transactions: set[str] = field(default_factory=set)
    out_of_order: int = 0
    connected_at: float = 0.0
    """When it last was, on the monotonic clock."""
    _newest: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Subscribe, and stay subscribed across restarts of the broker."""
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id="auditor", clean_session=False
        )
        self._client.on_message = self._take
        self._client.on_connect = self._connected
        self._client.reconnect_delay_set(1, 1)
        self._client.connect(HOST, self.port)
        self._client.loop_start()

    def stop(self) -> None:
        """Hang up."""
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def is_settled(self) -> bool:
        """Whether it has been connected so long that what the broker kept for it has come."""
        settled_at = self.connected_at + SETTLED_SECONDS
        return self._client.is_connected() and time.monotonic() >= settled_at

    def _connected(self, client: paho.Client, *_: object) -> None:
        self.connected_at = time.monotonic()
        client.subscribe("#", 1)

    def _take(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        heard = Heard.of(message)
        if not heard.sequence:
            return  # the switch's own status, which is of no outbox
        with self._lock:
            if heard.event_id in self.heard:
                return
            self.out_of_order += heard.sequence < self._newest
            self._newest = max(self._newest, heard.sequence)
            self.heard[heard.event_id] = heard.sequence
            if heard.told["kind"] == "transaction":
                self.transactions.add(heard.told["transaction"]["rrn"])


async def load(
    script: Script,
    port: int,
    tally: Tally,
    rate: float,
    seconds: float,
    begun: Callable[[], object] = lambda: None,
) -> None:
    """Ask at a steady rate for so long; ``begun`` is called when all links are there."""
    links = [await Honest.open(script, port) for _ in range(LINKS)]
    begun()
    await asyncio.gather(*(paced(link, tally, rate / LINKS, seconds) for link in links))
    for link in links:
        link.close()


async def load_into_kill(plant: Plant, script: Script, tally: Tally, rate: float) -> None:
    """Ask at a steady rate and kill the switch in the midst of it."""
    loop = asyncio.get_running_loop()

    def kill_soon() -> None:
        loop.call_later(KILLED_AFTER_SECONDS, plant.kill)

    await load(script, plant.port, tally, rate, 2 * KILLED_AFTER_SECONDS, kill_soon)


def endings(plant: Plant) -> set[str]:
    """Return the RRN of every ending in the journal."""
    with JournalReader(open_folder(plant.folder).journal) as reader:
        return {row.rrn for row in reader.follow(0, 10_000_000) if not row.is_reservation}


def drained(auditor: Auditor, ended: set[str]) -> float:
    """Wait until all that ended was told, or nothing more is; return when (monotonic seconds)."""
    told, heard_at = 0, time.monotonic()
    while len(auditor.transactions) < len(ended) or not ended <= auditor.transactions:
        now = time.monotonic()
        if len(auditor.heard) > told:
            told, heard_at = len(auditor.heard), now
        elif now - heard_at > SILENT_SECONDS_MAX:
            break
        time.sleep(0.05)
    return time.monotonic()


@dataclass
class Run:
    """What the phases met."""

    there: Tally = field(default_factory=Tally)
    away: Tally = field(default_factory=Tally)
    cut: Tally = field(default_factory=Tally)
    """Asked of the switch that was killed meanwhile."""
    drained: float = 0.0

    @property
    def answered(self) -> set[str]:
        """The RRN of every request that was answered."""
        parts = (self.there, self.away, self.cut)
        return {one.rrn for part in parts for one in part.answers}

    @property
    def is_as_fast(self) -> bool:
        """Whether answers took as long without the broker as with it."""
        there, away = self.there.percentile(0.99), self.away.percentile(0.99)
        return away <= there + max(LATER_SHARE_MAX * there, LATER_MS_MAX)


def phases(plant: Plant, root: Path, port: int, rate: float, seconds: float) -> tuple[Run, Auditor]:
    """Be there, go away, kill the switch meanwhile, come back, wait for the backlog."""
    keeps = ("allow_anonymous true", "persistence true", f"persistence_location {root}/")
    broker = Mosquitto(port, root, keeps)
    auditor, script, run = Auditor(port), Script(plant.folder), Run()
    plant.start()
    asyncio.run(load(script, plant.port, run.there, rate, seconds / 2))
    broker.stop()
    asyncio.run(load(script, plant.port, run.away, rate, seconds / 2))
    asyncio.run(load_into_kill(plant, script, run.cut, rate))
    plant.start()
    asyncio.run(load(script, plant.port, run.away, rate, seconds / 2))
    ended = endings(plant)  # now, for to read them takes this process as long as to hear them
    back = time.monotonic()
    broker = Mosquitto(port, root, keeps)
    run.drained = drained(auditor, ended) - back
    plant.stop()
    auditor.stop()
    broker.stop()
    return run, auditor


def measure(trial: Trial) -> Found:
    """Do all that."""
    if shutil.which("mosquitto") is None:
        return skipped("mosquitto is not installed (apt-get install mosquitto)")
    port, rate = free_port(), float(trial.size(60, 200))
    events = f'[events]\nbroker = "mqtt://{HOST}:{port}"\nreconnect_seconds_max = 1.0\n'
    plant = set_up(trial.root, "--pin", "acquirer", settings=events)
    place = trial.root / "broker"
    place.mkdir()
    place.chmod(0o777)
    seconds = float(trial.size(10, 600))
    try:
        run, auditor = phases(plant, place, port, rate, seconds)
    finally:
        if plant.is_running:
            plant.kill()
    ended = endings(plant)
    lost = len((ended | run.answered) - auditor.transactions)
    invented = len(auditor.transactions - ended)
    got = (
        f"{len(run.answered):,} answers, {run.cut.hung_up} cut off by the kill, "
        f"{lost} events lost, {invented} invented, {auditor.out_of_order} out of order, "
        f"drained in {run.drained:.1f} s; p99 {run.there.percentile(0.99):.1f} ms with, "
        f"{run.away.percentile(0.99):.1f} ms without the broker"
    )
    is_held = (
        lost == invented == auditor.out_of_order == 0
        and trial.in_time(was=run.drained < DRAIN_SECONDS_MAX and run.is_as_fast)
        and run.there.hung_up == run.away.hung_up == 0 and run.cut.answers and run.cut.hung_up
    )  # fmt: skip
    return Found(got, bool(is_held))


GOAL = Goal(
    "G12", "broker away under load", "0 events lost, drained in 30 s, p99 +10 % or 3 ms", measure
)

if __name__ == "__main__":
    prove(GOAL)
