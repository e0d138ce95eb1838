"""The one door to aiomqtt (asyncio-mqtt under its present name): a connection to a broker.

Plan: ``connected`` opens one for a block and tells, while nothing is published, that it was
lost; every failure is ``BrokerUnavailable``, in words that hold no password.  The password
is read anew for each connection, so that a changed file needs no restart.
Limits: MQTT 3.1.1, QoS 1, clean sessions: what was not acknowledged is told again by whoever
keeps it.  The client's name is the switch's, so a second one of that name would throw the
first out.
"""

import logging
import re
import socket
import ssl
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiomqtt

from atm_switch.adapters.client_tls import client_context, plain_words
from atm_switch.domain.errors import NeighbourUnavailable

QOS: Final = 1
KEEPALIVE_SECONDS: Final = 10
"""After one and a half of it without a sign of us the broker publishes the last will."""
ANSWER_SECONDS_MAX: Final = 10.0
GROUP_OR_OTHER: Final = 0o077

AT_ONCE: Final = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)
"""An event is not held back until the broker's host has confirmed the one before."""

_ERRNO: Final = re.compile(r"^\[Errno -?[0-9]+\] ")

_SILENT: Final = logging.getLogger("atm_switch.mqtt")
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False


class BrokerUnavailable(NeighbourUnavailable):
    """The broker cannot be reached, refused us, or does not acknowledge."""


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is and how we prove who we are; paths are absolute or from here."""

    host: str
    port: int
    is_tls: bool = False
    username: str = ""
    password_file: Path | None = None
    ca: Path | None = None
    """``None`` under TLS: the CAs of the system."""
    certificate: Path | None = None
    key: Path | None = None
    answer_seconds_max: float = ANSWER_SECONDS_MAX
    """How long the broker may take to agree to a connection and to acknowledge."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is published: where, what, and whether the broker keeps it."""

    topic: str
    payload: bytes = field(repr=False)
    is_retained: bool = False


class BrokerLink:
    """An open connection."""

    def __init__(self, client: aiomqtt.Client) -> None:
        """Take a ``client`` that is connected."""
        self._client = client

    async def publish(self, message: Message) -> None:
        """Publish and wait for the PUBACK.  Raises ``BrokerUnavailable``.

        Calls that begin in an order are sent in it.
        """
        try:
            await self._client.publish(message.topic, message.payload, QOS, message.is_retained)
        except (aiomqtt.MqttError, OSError, ValueError) as error:
            raise BrokerUnavailable(_plain(error)) from None

    async def subscribe(self, topic: str) -> None:
        """Have the broker send what is published from now on.  Raises ``BrokerUnavailable``."""
        try:
            await self._client.subscribe(topic, QOS)
        except (aiomqtt.MqttError, OSError) as error:
            raise BrokerUnavailable(_plain(error)) from None

    async def messages(self) -> AsyncIterator[bytes]:
        """Yield what comes; what the broker had retained from before is no news.

        Raises ``BrokerUnavailable`` when it is lost.
        """
        try:
            async for message in self._client.messages:
                if not message.retain:
                    yield bytes(message.payload)
        except (aiomqtt.MqttError, OSError) as error:
            raise BrokerUnavailable(_plain(error)) from None

    async def until_lost(self) -> None:
        """Wait until the connection is lost; for those who do not wait for messages."""
        with suppress(aiomqtt.MqttError, OSError):
            async for _ in self._client.messages:
                pass


@asynccontextmanager
async def connected(
    broker: Broker, identifier: str, window: int, will: Message | None = None
) -> AsyncIterator[BrokerLink]:
    """Connect for a block; at most ``window`` messages are under way at once.

    ``will`` is what the broker publishes if we vanish.  Raises ``BrokerUnavailable``.
    """
    client = _client(broker, identifier, window, will)
    try:
        await client.__aenter__()
    except (aiomqtt.MqttError, OSError, ValueError) as error:
        raise BrokerUnavailable(_plain(error)) from None
    try:
        yield BrokerLink(client)
    finally:
        with suppress(aiomqtt.MqttError, OSError):
            await client.__aexit__(None, None, None)


class _Client(aiomqtt.Client):
    """Has the loop watch no socket that is closed by the time it comes to that.

    Why: aiomqtt gives the loop the socket's number for its next turn.  Where the broker went in
    this one, that number is nobody's by then, or another connection's.
    And it waits for the answer of a broker that has hung up instead, until that is late.
    """

    def _on_disconnect(self, *given: Any) -> None:
        if self._lock.locked() and not self._connected.done():  # somebody waits for it
            self._connected.set_exception(aiomqtt.MqttError("the broker hung up"))
            self._connected.exception()  # whoever waits may have been cancelled just now
        super()._on_disconnect(*given)

    def _on_socket_register_write(self, client: Any, userdata: Any, sock: Any) -> None:  # noqa: ARG002
        def write() -> None:
            try:
                client.loop_write()
            except Exception as broken:  # noqa: BLE001 - whatever it is, the connection is over
                if not self._disconnected.done():
                    self._disconnected.set_exception(broken)

        def watch() -> None:
            if sock.fileno() >= 0:
                self._loop.add_writer(sock.fileno(), write)

        self._loop.call_soon_threadsafe(watch)  # paho may call from another thread


def _client(broker: Broker, identifier: str, window: int, will: Message | None) -> aiomqtt.Client:
    client = _Client(
        broker.host,
        broker.port,
        username=broker.username or None,
        password=_password(broker),
        identifier=identifier,
        logger=_SILENT,
        will=None if will is None else _will(will),
        timeout=broker.answer_seconds_max,
        keepalive=KEEPALIVE_SECONDS,
        max_inflight_messages=window,
        tls_context=_secured(broker) if broker.is_tls else None,
        socket_options=AT_ONCE,
    )
    client.pending_calls_threshold = window
    return client


def _will(message: Message) -> aiomqtt.Will:
    return aiomqtt.Will(message.topic, message.payload, QOS, message.is_retained)


def password_problem(path: Path) -> str:
    """Say what is wrong with a password's file, or nothing; never what is in it."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return f"{path} is not UTF-8 text"
    except OSError as error:
        return f"{path} cannot be read ({error.strerror}): write its path relative to the folder"
    if mode & GROUP_OR_OTHER:
        return f"{path} is open to others (mode {mode:04o}): chmod go= {path}"
    return "" if text.strip() else f"{path} is empty: write the password there, on one line"


def tls_problem(broker: Broker) -> str:
    """Say what is wrong with the files of TLS, or nothing."""
    try:
        _secured(broker)
    except BrokerUnavailable as wrong:
        return str(wrong)
    return ""


def _password(broker: Broker) -> str | None:
    if broker.password_file is None:
        return None
    problem = password_problem(broker.password_file)
    if problem:
        raise BrokerUnavailable(problem)
    return broker.password_file.read_text(encoding="utf-8").strip()


def _secured(broker: Broker) -> ssl.SSLContext:
    try:
        return client_context(broker.ca, broker.certificate, broker.key)
    except (OSError, ValueError) as error:
        raise BrokerUnavailable(f"the TLS files cannot be used: {_plain(error)}") from None


def _plain(error: Exception) -> str:
    """Say what happened in one short line."""
    if isinstance(error, OSError):  # an SSLError too is one
        return plain_words(error)
    text = (str(error) or type(error).__name__).splitlines()[0]
    return _ERRNO.sub("", text)
