"""A broker beside a plant that comes and goes, and a subscriber whom it keeps everything for.

Plan: mosquitto where it is installed, which keeps its subscriptions in a file.  What a killed one
was given and had handed on is with the subscriber, for it hands on before it acknowledges, as many
as come (``max_inflight_messages 0``): so a kill loses nothing while the subscriber is there.
Limits: the broker that is embedded keeps nothing, and is no process that could be stopped or
killed.
"""

import shutil
import signal
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.chaos.plant import Hangs
from tests.doubles.brokers import HOST, EmbeddedBroker, Heard, Mosquitto

KEPT_SECONDS_MAX = 60.0
SETTLED_SECONDS = 2.0
SILENT_SECONDS_MAX = 60.0
"""Where no event came for so long, none is on its way: what was not heard by then is lost."""


@dataclass
class TheBroker:
    """One that comes and goes on a port of its own."""

    port: int
    place: Path
    is_real: bool = shutil.which("mosquitto") is not None
    running: EmbeddedBroker | Mosquitto | None = None

    def start(self) -> None:
        """Serve, with what it kept where it keeps something."""
        if not self.is_real:
            self.running = EmbeddedBroker(self.port)
            return
        self.place.mkdir(exist_ok=True)
        self.place.chmod(0o777)
        kept = f"persistence_location {self.place}/"
        lines = ("allow_anonymous true", "persistence true", kept, "max_inflight_messages 0")
        self.running = Mosquitto(self.port, self.place, lines)

    def keep(self) -> None:
        """Have it write down who subscribes, so that a killed one knows."""
        self.send(signal.SIGUSR1)
        deadline = time.monotonic() + KEPT_SECONDS_MAX
        while self.is_real and not any(self.place.glob("*.db")):
            if time.monotonic() > deadline:
                raise Hangs("the broker does not write down who subscribes")
            time.sleep(0.05)

    def send(self, number: signal.Signals) -> None:
        """Signal it, where it is a process."""
        if isinstance(self.running, Mosquitto):
            self.running.send(number)

    def end(self, *, at_once: bool) -> None:
        """Kill it, or end it in order."""
        if isinstance(self.running, Mosquitto) and at_once:
            self.running.kill()
        elif self.running is not None:
            self.running.stop()
        self.running = None


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
