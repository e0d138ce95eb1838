"""Claims about what a link's TLS channel keeps: no burst, either way, leaves its size behind."""

import ssl
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from atm_switch.server.channel import (
    HANDSHAKE_BYTES_MAX,
    RECORD_BYTES,
    SLICE_BYTES,
    HandshakeTooLongError,
    TlsChannel,
    reason_of,
)
from atm_switch.server.tls import server_context
from tests.doubles.certificates import LabCa

BURST = bytes(range(250)) * 1_000
RECORD_OVERHEAD = 300
"""More than a record's header and tag are, in either version."""
HANDSHAKE, APPLICATION_DATA = 22, 23
KEY_UPDATE_REQUESTED = bytes([24, 0, 0, 1, 1])


class Watched:
    """One of OpenSSL's buffers, and the most it has held at once."""

    def __init__(self, inner: Any) -> None:
        """Watch ``inner``."""
        self._inner = inner
        self.most = 0

    @property
    def pending(self) -> int:
        """How much there is to be read."""
        return int(self._inner.pending)

    def write(self, data: bytes) -> int:
        """Write on, and look how much there is now."""
        written = self._inner.write(data)
        self.most = max(self.most, self.pending)
        return int(written)

    def read(self) -> bytes:
        """Read all there is, and remember how much it was."""
        self.most = max(self.most, self.pending)
        return bytes(self._inner.read())


def pair(folder: Path, keys: Path | None = None) -> tuple[TlsChannel, TlsChannel]:
    """Return our side and a peer's whose handshake is done; ``keys`` takes its secrets."""
    ca = LabCa(folder)
    context = ca.client(ca.issue("switch.bank.example"))
    if keys is not None:
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.keylog_filename = str(keys)
    ours = TlsChannel(server_context(ca.server()))
    peer = TlsChannel(context, calls="localhost")
    peer.begin()
    while not (ours.is_open and peer.is_open):
        ours.receive(peer.outgoing())
        peer.receive(ours.outgoing())
    return ours, peer


def watch(monkeypatch: pytest.MonkeyPatch, channel: TlsChannel, name: str) -> Watched:
    """Watch one of a channel's buffers from now on."""
    watched = Watched(getattr(channel, name))
    monkeypatch.setattr(channel, name, watched)
    return watched


def test_burst_that_came_leaves_no_large_buffer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A quarter of a megabyte in one read is all heard, and never more than a slice was held."""
    ours, peer = pair(tmp_path)
    came = watch(monkeypatch, ours, "_came")
    peer.send(BURST)

    heard = ours.receive(peer.outgoing())

    assert heard == BURST
    assert 0 < came.most <= SLICE_BYTES


def test_burst_that_goes_leaves_no_large_buffer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As much is said in two bursts, in order, from a buffer that held a record at a time."""
    ours, peer = pair(tmp_path)
    goes = watch(monkeypatch, ours, "_goes")

    ours.send(BURST)
    ours.send(b"and more")
    heard = peer.receive(ours.outgoing())

    assert heard == BURST + b"and more"
    assert 0 < goes.most <= SLICE_BYTES + RECORD_OVERHEAD
    assert ours.outgoing() == b""


def test_answers_to_key_updates_leave_no_large_buffer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand requests for new keys in one read are answered from a small buffer."""
    ours, _peer = pair(tmp_path, tmp_path / "keys")
    goes = watch(monkeypatch, ours, "_goes")

    ours.receive(key_updates(tmp_path / "keys", 1_000))

    assert len(ours.outgoing()) > 20 * 1_000
    assert goes.most <= SLICE_BYTES + RECORD_OVERHEAD


def test_words_behind_the_goodbye_are_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a peer sends after it said goodbye is neither heard nor kept, in that read or later."""
    ours, peer = pair(tmp_path)
    came = watch(monkeypatch, ours, "_came")
    peer.send(b"the last")
    peer.end()

    heard = ours.receive(peer.outgoing() + BURST), ours.receive(BURST), ours.receive(b"x")

    assert heard == (b"the last", b"", b"")
    assert ours.is_ended
    assert 0 < came.most <= SLICE_BYTES


@pytest.mark.parametrize("step", [1, 1_000, HANDSHAKE_BYTES_MAX])
def test_handshake_without_an_end_is_broken_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """A hello of 131 kB gets as far as the bound, whatever its pieces; one byte more ends it."""
    ours = TlsChannel(server_context(LabCa(tmp_path).server()))
    came = watch(monkeypatch, ours, "_came")
    hello = records(b"\x01" + (131_000).to_bytes(3, "big") + b"\x03\x03" + bytes(131_000 - 2))
    for at in range(0, HANDSHAKE_BYTES_MAX, step):
        assert b"" == ours.receive(hello[at : min(at + step, HANDSHAKE_BYTES_MAX)])

    with pytest.raises(HandshakeTooLongError) as told:
        ours.receive(b"x")

    assert reason_of(told.value) == "more than 32768 bytes came before the handshake was done"
    assert came.most <= SLICE_BYTES


def test_requests_behind_a_handshake_are_not_counted_to_it(tmp_path: Path) -> None:
    """What comes in one read with the end of a handshake is all heard, however much it is."""
    ca = LabCa(tmp_path)
    ours = TlsChannel(server_context(ca.server()))
    peer = TlsChannel(ca.client(ca.issue("switch.bank.example")), calls="localhost")
    peer.begin()
    ours.receive(peer.outgoing())
    peer.receive(ours.outgoing())
    peer.send(BURST)

    heard = ours.receive(peer.outgoing())

    assert heard == BURST


def records(message: bytes) -> bytes:
    """Return a handshake's message in records as large as they may be."""
    pieces = [message[at : at + RECORD_BYTES] for at in range(0, len(message), RECORD_BYTES)]
    head = bytes([HANDSHAKE, 3, 1])
    return b"".join(head + len(piece).to_bytes(2, "big") + piece for piece in pieces)


def key_updates(keys: Path, count: int) -> bytes:
    """Return so many records of a client that ask for new keys, each under the keys before."""
    secrets = dict(line.split()[::2] for line in keys.read_text().splitlines() if line[0] != "#")
    secret = bytes.fromhex(secrets["CLIENT_TRAFFIC_SECRET_0"])
    records = []
    for _ in range(count):
        key, nonce = labelled(secret, "key", 32), labelled(secret, "iv", 12)
        inner = KEY_UPDATE_REQUESTED + bytes([HANDSHAKE])
        head = bytes([APPLICATION_DATA, 3, 3]) + (len(inner) + 16).to_bytes(2, "big")
        records.append(head + AESGCM(key).encrypt(nonce, inner, head))
        secret = labelled(secret, "traffic upd", 48)
    return b"".join(records)


def labelled(secret: bytes, label: str, size: int) -> bytes:
    """Derive from a secret of TLS 1.3 (RFC 8446, 7.1), here with SHA-384."""
    full = b"tls13 " + label.encode()
    info = size.to_bytes(2, "big") + bytes([len(full)]) + full + b"\x00"
    return HKDFExpand(SHA384(), size, info).derive(secret)
