"""The door to the broker: TLS on both sides, a password from a file, failures in plain words."""

import asyncio
import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from atm_switch.adapters.mqtt_broker import (
    Broker,
    BrokerUnavailable,
    Message,
    _client,
    connected,
    password_problem,
    tls_problem,
)
from tests.doubles.brokers import HAS_MOSQUITTO, HOST, Mosquitto, Subscriber, free_port
from tests.doubles.certificates import LabCa

USER, PASSWORD = "atm", "open sesame"
TOLD = b'{"event_id": "1", "sequence": 1}'


@dataclass
class Guarded:
    """A broker that asks for a certificate and a password, and what proves us to it."""

    broker: Broker
    ca: LabCa

    def prepare(self, client: paho.Client) -> None:
        """Let a subscriber in."""
        client.username_pw_set(USER, PASSWORD)
        client.tls_set(str(self.ca.file), str(self.broker.certificate), str(self.broker.key))


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Guarded]:
    """Run it."""
    if not HAS_MOSQUITTO:
        pytest.skip("mosquitto is not installed")
    ca, port = LabCa(tmp_path), free_port()
    own, ours = ca.server("broker"), ca.issue("switch")
    secret = tmp_path / "broker.password"
    secret.write_text(PASSWORD + "\n")
    secret.chmod(0o600)
    known = tmp_path / "passwords"
    known.write_text(f"{USER}:{PASSWORD}\n")
    known.chmod(0o600)
    Mosquitto.encipher(known)
    lines = (
        f"cafile {ca.file}", f"certfile {own.certificate}", f"keyfile {own.key}",
        "require_certificate true", "allow_anonymous false", f"password_file {known}",
    )  # fmt: skip
    broker = Mosquitto(port, tmp_path / "mosquitto", lines)
    try:
        proof = (ca.file, ours.certificate, ours.key)
        yield Guarded(Broker(HOST, port, True, USER, secret, *proof), ca)  # noqa: FBT003  it is TLS
    finally:
        broker.stop()


async def publish(broker: Broker) -> None:
    """Publish one event."""
    async with connected(broker, "atm-switch-test", 10) as link:
        await link.publish(Message("atm/009/-/session", TOLD))


async def test_certificate_and_password_open_the_broker(guarded: Guarded) -> None:
    """TLS with the broker's certificate checked, ours shown, and the password of the file."""
    port = guarded.broker.port
    with Subscriber(port, prepare=guarded.prepare) as subscriber:
        await publish(guarded.broker)

        (heard,) = await asyncio.to_thread(subscriber.wait_for, 1)

    assert TOLD == heard.raw


async def test_wrong_password_is_said_and_not_shown(guarded: Guarded) -> None:
    """The broker's no is what is told; the password is not in it."""
    assert guarded.broker.password_file is not None
    guarded.broker.password_file.write_text("open barley\n")

    with pytest.raises(BrokerUnavailable, match=r"Not authori[sz]ed") as caught:
        await publish(guarded.broker)

    assert "barley" not in str(caught.value)


# paho leaves the socket of a handshake that failed to the collector
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_broker_of_another_ca_is_not_told(guarded: Guarded, tmp_path: Path) -> None:
    """Whoever cannot prove to be the broker hears nothing, not even the password."""
    (tmp_path / "other").mkdir()
    other = LabCa(tmp_path / "other", "OTHER CA")

    with pytest.raises(BrokerUnavailable, match="certificate"):
        await publish(replace(guarded.broker, ca=other.file))


async def test_no_certificate_is_no_way_in(guarded: Guarded) -> None:
    """A broker that asks for one is not opened without; it says nothing, so that is waited for."""
    with pytest.raises(BrokerUnavailable):
        await publish(replace(guarded.broker, certificate=None, key=None, answer_seconds_max=1))


async def test_absent_broker_is_told_in_plain_words() -> None:
    """No number of the system's, no address of an object."""
    with pytest.raises(BrokerUnavailable, match=r"^Connection refused$"):
        await publish(Broker(HOST, free_port()))


async def test_a_broker_that_hangs_up_before_it_agrees_is_not_waited_for() -> None:
    """As one does that is killed just then, or that a relay takes connections for in vain."""

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.close()

    async with await asyncio.start_server(hang_up, HOST, 0) as away:
        port = away.sockets[0].getsockname()[1]

        with pytest.raises(BrokerUnavailable, match=r"^the broker hung up$"):
            await publish(Broker(HOST, port))


@pytest.mark.parametrize(
    ("text", "mode", "wrong"),
    [
        (b"sesame\n", 0o600, ""),
        (b"sesame\n", 0o640, "open to others"),
        (b"\n", 0o600, "is empty"),
        (b"\xff\xfe", 0o600, "not UTF-8"),
    ],
)
def test_password_file_is_judged(tmp_path: Path, text: bytes, mode: int, wrong: str) -> None:
    """A file that others may read, or that holds nothing, is refused by name only."""
    path = tmp_path / "secret"
    path.write_bytes(text)
    path.chmod(mode)

    found = password_problem(path)

    assert wrong in found
    assert bool(wrong) == bool(found)
    assert "sesame" not in found


def test_missing_files_are_named(tmp_path: Path) -> None:
    """What is not there is said so before anything connects."""
    broker = Broker(HOST, 8883, is_tls=True, ca=tmp_path / "none.pem")

    assert "cannot be read" in password_problem(tmp_path / "none")
    assert "No such file" in tls_problem(broker)
    assert "" == tls_problem(replace(broker, ca=None))


class BrokenPipe(paho.Client):
    """Whose broker is gone."""

    def loop_write(self, _packets_max: int = 1) -> MQTTErrorCode:
        """Write what waits."""
        raise BrokenPipeError


def test_a_socket_that_was_closed_meanwhile_is_not_watched() -> None:
    """The broker goes in the turn in which there is more to write: no mistake is reported."""
    mistakes: list[dict[str, Any]] = []

    async def go_in_that_turn() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: mistakes.append(context))
        near, far = socket.socketpair()
        client = _client(Broker(HOST, 1), "switch", 10, None)
        with far:
            client._on_socket_register_write(paho.Client(CallbackAPIVersion.VERSION2), None, near)
            near.close()
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    asyncio.run(go_in_that_turn())

    assert [] == mistakes


def test_a_write_that_fails_ends_the_connection() -> None:
    """Whoever waits for the connection's end hears of it, once."""

    async def write_twice() -> str:
        near, far = socket.socketpair()
        client = _client(Broker(HOST, 1), "switch", 10, None)
        with near, far:
            client._on_socket_register_write(BrokenPipe(CallbackAPIVersion.VERSION2), None, near)
            with pytest.raises(BrokenPipeError) as broken:
                await client._disconnected
            await asyncio.sleep(0)  # it is watched still, and fails again
            asyncio.get_running_loop().remove_writer(near.fileno())
        return type(broken.value).__name__

    assert "BrokenPipeError" == asyncio.run(write_twice())
