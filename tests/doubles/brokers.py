"""Real MQTT brokers on loopback, and a subscriber that keeps what it hears.

Plan: ``iotcore`` comes with the tests, Debian's mosquitto is used where it is installed.  A
broker keeps its port, so that it can go away and come back.
"""

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import iotcore
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

HOST = "127.0.0.1"
SECONDS_MAX = 90.0
HAS_MOSQUITTO = shutil.which("mosquitto") is not None
ALL = "#"
OPEN_TO_ALL = ("allow_anonymous true",)

_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_OWN_FIRST, _FIRST_OF_LINUX, _TRIES = 20_000, 32_768, 100
"""Ports of our own begin above those of services; the kernel's begin where it says."""


def free_port() -> int:
    """Return a port nobody listens on, and that the kernel gives nobody who asks for any.

    It is drawn below those: between a look and its use, or while who had it is away, another
    process would get it now and then.
    """
    own = own_ports()
    for _ in range(_TRIES):
        port = random.SystemRandom().choice(own) if own else 0
        with socket.socket() as asking, suppress(OSError):
            asking.bind((HOST, port))
            found: int = asking.getsockname()[1]
            return found
    raise AssertionError("no port is free")


def own_ports() -> range:
    """Return those that no other worker of this run draws: nobody holds one that is drawn."""
    end = int(_RANGE.read_text().split()[0]) if _RANGE.is_file() else _FIRST_OF_LINUX
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return range(_OWN_FIRST + number % workers, end, workers)


class EmbeddedBroker:
    """iotcore in a process of its own."""

    def __init__(self, port: int) -> None:
        """Serve on ``port``."""
        self._broker = iotcore.Broker(port=port, listen=HOST)
        self._broker.start(SECONDS_MAX)

    def stop(self) -> None:
        """End it."""
        self._broker.stop()


class Mosquitto:
    """Debian's broker with a configuration of our own."""

    def __init__(self, port: int, folder: Path, lines: Sequence[str] = OPEN_TO_ALL) -> None:
        """Serve on ``port``; ``lines`` are what its configuration says besides."""
        folder.mkdir(exist_ok=True)
        config = folder / f"mosquitto-{port}.conf"
        text = (f"listener {port} {HOST}", "user root", "max_queued_messages 0", *lines)
        config.write_text("\n".join(text) + "\n")
        self._process = subprocess.Popen(
            ["mosquitto", "-c", str(config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            process_group=0,  # Ctrl-C is for whoever tests with it
        )
        deadline = time.monotonic() + SECONDS_MAX
        while not _is_listening(port):
            assert time.monotonic() < deadline, "mosquitto does not listen"
            time.sleep(0.01)

    @staticmethod
    def encipher(passwords: Path) -> None:
        """Turn a file of ``user:password`` lines into what mosquitto reads."""
        subprocess.run(["mosquitto_passwd", "-U", str(passwords)], check=True, capture_output=True)

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(SECONDS_MAX)

    def send(self, number: signal.Signals) -> None:
        """Send it any signal."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it where it stands."""
        self._process.kill()
        self._process.wait(SECONDS_MAX)


Broker = EmbeddedBroker | Mosquitto
MakeBroker = Callable[[int], Broker]


def _is_listening(port: int) -> bool:
    with suppress(OSError), socket.create_connection((HOST, port), 1.0):
        return True
    return False


@dataclass(frozen=True)
class Heard:
    """One message as it came."""

    topic: str
    is_retained: bool
    told: dict[str, Any]
    raw: bytes = field(repr=False)

    @classmethod
    def of(cls, message: paho.MQTTMessage) -> Self:
        """Take a message apart."""
        payload = bytes(message.payload)
        return cls(message.topic, message.retain, json.loads(payload), payload)

    @property
    def event_id(self) -> str:
        """The id of the event."""
        return str(self.told["event_id"])

    @property
    def sequence(self) -> int:
        """Its place in the outbox; 0 for the switch's own status."""
        return int(self.told["sequence"])


class Subscriber:
    """Keeps every message of a topic, in the order in which it came."""

    def __init__(
        self, port: int, topic: str = ALL, prepare: Callable[[paho.Client], None] | None = None
    ) -> None:
        """Subscribe; returns when the broker has agreed."""
        self.heard: list[Heard] = []
        self._changed = threading.Condition()
        self._ready = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = self._take
        self._client.on_connect = lambda client, *_: client.subscribe(topic, 1)
        self._client.on_subscribe = lambda *_: self._ready.set()
        if prepare is not None:
            prepare(self._client)
        self._client.connect(HOST, port)
        self._client.loop_start()
        assert self._ready.wait(SECONDS_MAX), "the broker does not agree to a subscription"

    def __enter__(self) -> Self:
        """Hear for a block."""
        return self

    def __exit__(self, *_exception: object) -> None:
        """Hang up."""
        self._client.disconnect()
        self._client.loop_stop()

    def wait(self, is_so: Callable[[list[Heard]], bool]) -> list[Heard]:
        """Wait until what was heard is so; return it."""
        with self._changed:
            assert self._changed.wait_for(lambda: is_so(self.heard), SECONDS_MAX), self.topics()
            return list(self.heard)

    def wait_for(self, count: int) -> list[Heard]:
        """Wait until so many events of an outbox were heard; return these."""
        self.wait(lambda heard: sum(1 for one in heard if one.sequence) >= count)
        return [one for one in self.heard if one.sequence]

    def topics(self) -> list[str]:
        """Name what was heard, for a test that failed."""
        return [f"{one.topic} {one.sequence}" for one in self.heard]

    def _take(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        with self._changed:
            self.heard.append(Heard.of(message))
            self._changed.notify_all()


class LeakyLine:
    """A TCP line to a broker that can lose what the broker says, and break."""

    def __init__(self, port: int) -> None:
        """Listen before the broker at ``port``."""
        self._target = port
        self._listening = socket.create_server((HOST, 0))
        self.port: int = self._listening.getsockname()[1]
        self.loses_acknowledgements = False
        self.lost = threading.Event()
        """Set when something the broker said was lost."""
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Break every connection there is."""
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._open.clear()

    def close(self) -> None:
        """Take no more connections."""
        with suppress(OSError):  # else who waits for one still takes it, behind the close
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.cut()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                far = socket.create_connection((HOST, self._target))
                self._open += [near, far]
                threading.Thread(target=self._carry, args=(near, far, False), daemon=True).start()
                threading.Thread(target=self._carry, args=(far, near, True), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, is_back: bool) -> None:  # noqa: FBT001  one of two ways
        with suppress(OSError):
            while data := source.recv(65_536):
                if is_back and self.loses_acknowledgements:
                    self.lost.set()
                else:
                    target.sendall(data)
        for one in (source, target):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


@contextmanager
def running(make: MakeBroker, port: int) -> Iterator[Broker]:
    """Serve a broker for a block; one that was stopped meanwhile may stay so."""
    broker = make(port)
    try:
        yield broker
    finally:
        broker.stop()
