"""What lies between a socket's bytes and a line's frames: nothing, or TLS.

Plan: a channel performs nothing.  Bytes that came are given to ``receive``, which returns
what they say; what is to be said goes to ``send``; what must go out is fetched with
``outgoing`` and written by the line.
OpenSSL's buffers never shrink, so a burst goes through them in slices: a link that had one holds
little more than another.
Why not asyncio's TLS: it starts the handshake before anybody is asked whether the peer may
connect at all, drops the alert that tells a refused peer why, and holds 256 KiB a link.
"""

import ssl
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Protocol

RECORD_BYTES = 16_384
SLICE_BYTES = 4_096
"""As much passes a link's buffers at once: what they grow to, they hold as long as the link."""
HANDSHAKE_BYTES_MAX = 32_768
"""What may come before a handshake is done.  A client's hello is some 2 KiB where it has keys for
post-quantum agreement, and four certificates of RSA-4096 are 8; of a bank that is dialled, the
names of every CA that browsers know are 15 more.
Limits: OpenSSL reserves what a message says it will be, 131 kB for a hello, before it has come.
"""


class Channel(Protocol):
    """One link's way between bytes on the socket and bytes of frames."""

    is_tls: bool
    is_open: bool
    """Whether the peer has shown all it must, so that frames may pass."""
    is_ended: bool
    """Whether the peer has said that it will send no more."""

    def begin(self) -> None:
        """Say what the side that connected says first, where it is this one."""

    @property
    def peer_names(self) -> frozenset[str]:
        """What the peer's certificate says it is called: subject CN and SAN dNSNames."""

    def receive(self, data: bytes) -> bytes:
        """Take what came from the socket; return what it says."""

    def send(self, data: bytes) -> None:
        """Take what is to be said."""

    def outgoing(self) -> bytes:
        """Hand out, once, what must be written to the socket."""

    def end(self) -> None:
        """Say that no more will be sent."""


class PlainChannel:
    """Bytes as they are."""

    __slots__ = ("_outgoing",)
    is_tls = False
    is_open = True
    is_ended = False
    peer_names: frozenset[str] = frozenset()

    def __init__(self) -> None:
        """Begin with nothing to say."""
        self._outgoing = b""

    def begin(self) -> None:
        """Say nothing."""

    def receive(self, data: bytes) -> bytes:
        """Return ``data``."""
        return data

    def send(self, data: bytes) -> None:
        """Keep ``data`` until it is fetched."""
        self._outgoing += data

    def outgoing(self) -> bytes:
        """Hand out what was sent."""
        data, self._outgoing = self._outgoing, b""
        return data

    def end(self) -> None:
        """Say nothing: the end of the stream says it."""


class HandshakeTooLongError(ssl.SSLError):
    """A peer has sent all that a handshake may be, and it is not done."""

    reason = f"more than {HANDSHAKE_BYTES_MAX} bytes came before the handshake was done"


class TlsChannel:
    """One side of TLS, in memory: the server's, or that of whoever connected."""

    is_tls = True

    def __init__(self, context: ssl.SSLContext, calls: str | None = None) -> None:
        """Wait for the peer's first word; ``calls`` is the host this side connects to."""
        self._is_caller = calls is not None
        self._came, self._goes = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(
            self._came, self._goes, server_side=calls is None, server_hostname=calls
        )
        self._handshake_left = HANDSHAKE_BYTES_MAX
        self._drained: list[bytes] = []
        """What the buffer was emptied of while more was to come."""
        self.is_open = False
        self.is_ended = False

    def begin(self) -> None:
        """Begin the handshake where this side connected."""
        if self._is_caller:
            with suppress(ssl.SSLWantReadError):
                self._tls.do_handshake()

    @property
    def peer_names(self) -> frozenset[str]:
        """What the peer's verified certificate says it is called."""
        return names_of(self._tls.getpeercert() or {}) if self.is_open else frozenset()

    def receive(self, data: bytes) -> bytes:
        """Go on with the handshake, or decipher.

        Raises ``ssl.SSLError`` where the peer cannot be trusted, or never comes to an end;
        ``outgoing`` then holds the alert that tells it, if there is one.
        """
        if self.is_open and len(data) <= SLICE_BYTES:
            return self._take(data)
        said, rest = [], memoryview(data)
        while rest:
            piece = rest[:SLICE_BYTES] if self.is_open else self._of_handshake(rest)
            said.append(self._take(piece))
            rest = rest[len(piece) :]
            self._drain()
        return b"".join(said)

    def _of_handshake(self, rest: memoryview) -> memoryview:
        """Return as much as a handshake may still be, a slice at most."""
        if not self._handshake_left:
            raise HandshakeTooLongError
        piece = rest[: min(SLICE_BYTES, self._handshake_left)]
        self._handshake_left -= len(piece)
        return piece

    def _take(self, piece: bytes | memoryview) -> bytes:
        """Take a slice; what follows the peer's goodbye is dropped."""
        if self.is_ended:
            return b""
        self._came.write(piece)
        try:
            if not self.is_open:
                self._tls.do_handshake()
                self.is_open = True
            return self._read()
        except ssl.SSLWantReadError:
            return b""

    def _read(self) -> bytes:
        said = bytearray()
        while not self.is_ended:
            try:
                piece = self._tls.read(RECORD_BYTES)
            except ssl.SSLWantReadError:
                break
            except ssl.SSLZeroReturnError:
                piece = b""
            said += piece
            self.is_ended = not piece
        return bytes(said)

    def send(self, data: bytes) -> None:
        """Encipher ``data``, a record a slice."""
        rest = memoryview(data)
        while rest:
            rest = rest[self._tls.write(rest[:SLICE_BYTES]) :]
            if rest:
                self._drain()

    def _drain(self) -> None:
        """Keep what the buffer holds beside it, so that it does not grow."""
        if self._goes.pending:
            self._drained.append(self._goes.read())

    def outgoing(self) -> bytes:
        """Hand out records, handshake messages and alerts."""
        if not self._drained:
            return self._goes.read()
        self._drain()
        data = b"".join(self._drained)
        self._drained.clear()
        return data

    def end(self) -> None:
        """Say goodbye; whether the peer says it as well is not waited for."""
        try:
            self._tls.unwrap()
        except ssl.SSLError:  # it always "wants" the peer's goodbye
            return


def names_of(certificate: Mapping[str, Any]) -> frozenset[str]:
    """Return subject CN and SAN dNSNames of a certificate as ``getpeercert`` gives it."""
    subject = (pair for group in certificate.get("subject", ()) for pair in group)
    names = [text for kind, text in subject if kind == "commonName"]
    names += [text for kind, text in certificate.get("subjectAltName", ()) if kind == "DNS"]
    return frozenset(names)


def reason_of(error: ssl.SSLError) -> str:
    """Name what went wrong in OpenSSL's words, which hold nothing the peer sent."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate refused, {error.verify_message}"
    return (error.reason or "broken").replace("_", " ").lower()
