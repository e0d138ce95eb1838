"""Many peers that connect, say a little, and then nothing: a process of its own.

    python -m tests.chaos.quiet_peers PORT COUNT [--sign-on] [--half] [--drip S] [--cert CA PEM KEY]

``--sign-on`` signs each on, ``--half`` sends the first half of a frame and lets it drip,
``--again`` connects again whatever the switch closed.  It prints ``ready`` when all are
there, and on every line of standard input how many the switch has not closed.
Plain sockets, for ten thousand of them must cost this process little.
"""

import select
import socket
import ssl
import sys
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import click

from atm_switch.domain.instant import transmission_stamp
from atm_switch.profile.load import load_profile
from atm_switch.wire.framing import enclose
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager
from tests.chaos.plant import allow_many_files

CONNECT_SECONDS = 90.0
AT_ONCE = 50
"""Half of what may wait to be accepted: whoever is one too many asks again after a second."""
PROFILE = "bpjstk-jht-v1"


def sign_on(number: int) -> bytes:
    """Write one terminal's sign-on, framed."""
    profile = load_profile(PROFILE)
    stamp = transmission_stamp(datetime.now(UTC))
    message = IsoMessage("0800", {7: stamp, 11: f"{number % 1_000_000:06d}", 70: "001"})
    return enclose(profile.framing, Packager(profile).pack(message))


class Peers:
    """All of them."""

    def __init__(
        self, at: tuple[str, int], said: bytes, tls: ssl.SSLContext | None, *, is_answered: bool
    ) -> None:
        """Say ``said`` on each."""
        self._at, self._said, self._tls, self._is_answered = at, said, tls, is_answered
        self.sockets: list[socket.socket] = []
        self.dropped = 0

    def connect(self, count: int) -> None:
        """Add so many; where they are answered, no faster than the switch takes them."""
        for number in range(1, count + 1):
            one = socket.create_connection(self._at, timeout=CONNECT_SECONDS)
            if self._tls is not None:
                one = self._tls.wrap_socket(one, server_hostname="127.0.0.1")
            one.sendall(self._said)
            self.sockets.append(one)
            if self._is_answered and number % AT_ONCE == 0:
                one.recv(1)  # it was accepted, and all before it

    def drip(self, every: float) -> None:
        """Send a byte of its frame on each that is there, for ever."""
        while True:
            time.sleep(every)
            for one in list(self.sockets):
                try:
                    one.send(b"0")
                except OSError:
                    continue

    def sweep(self) -> int:
        """Forget those that were closed; return how many are left."""
        poll = select.poll()
        by_number = {one.fileno(): one for one in self.sockets}
        for number in by_number:
            poll.register(number, select.POLLIN)
        for number, _ in poll.poll(0):
            if self._is_closed(by_number[number]):
                by_number.pop(number).close()
                self.dropped += 1
        self.sockets = list(by_number.values())
        return len(self.sockets)

    @staticmethod
    def _is_closed(one: socket.socket) -> bool:
        one.setblocking(False)  # noqa: FBT003 - the socket's own word
        try:
            while data := one.recv(65_536):
                if not data:
                    return True
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        except OSError:
            return True
        return True


def tls_of(files: Sequence[str] | None) -> ssl.SSLContext | None:
    """Make the context for a CA, a certificate and its key."""
    if not files:
        return None
    ca, certificate, key = files
    context = ssl.create_default_context(cafile=ca)
    context.load_cert_chain(certificate, key)
    return context


@click.command()
@click.argument("port", type=int)
@click.argument("count", type=int)
@click.option("--sign-on", "signs_on", is_flag=True)
@click.option("--half", is_flag=True)
@click.option("--drip", type=float, default=0.0)
@click.option("--cert", nargs=3)
@click.option("--host", default="127.0.0.1")
def main(
    *,
    port: int,
    count: int,
    signs_on: bool,
    half: bool,
    drip: float,
    cert: Sequence[str] | None,
    host: str,
) -> None:
    """Be the peers until standard input ends."""
    allow_many_files()
    said = sign_on(1)
    if half:
        said = said[: len(said) // 2]
    is_answered = signs_on and not half
    said = said if signs_on or half else b""
    peers = Peers((host, port), said, tls_of(cert), is_answered=is_answered)
    peers.connect(count)
    click.echo("ready")
    if drip:
        threading.Thread(target=peers.drip, args=(drip,), daemon=True).start()
    for line in sys.stdin:
        if line.strip() == "again":
            peers.connect(count - peers.sweep())
        click.echo(f"{peers.sweep()} {peers.dropped}")


if __name__ == "__main__":
    main()
