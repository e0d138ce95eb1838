"""One connection to an HSM: many commands under way, answers in whatever order they come.

Plan: every command goes out with a message header that no other command of this
connection bears, and its answer is found by it.  An answer that nobody waits for, of
another command, or misshapen says that the two sides have lost each other: the connection
is closed and whoever waits is told at once.
Limits: ``LINK_COMMANDS_MAX`` under way, or as many as the header can tell apart.
Why a header stays taken after its command ran out of time: the answer may still come, and
must not be taken for that of another PIN.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from atm_switch.adapters.client_tls import plain_words
from atm_switch.adapters.hsm_commands import Answer, Command, framing_of
from atm_switch.domain.errors import FramingError, NeighbourUnavailable, NeverAsked
from atm_switch.wire.framing import FrameBuffer, enclose

LINK_COMMANDS_MAX = 128
SILENCES_MAX = 3
"""So many commands in a row without a byte from the HSM, and the connection is dead."""

_WRITE_BUFFER_BYTES_MAX = 262_144
_UNACKNOWLEDGED_MS_MAX = 10_000

AnswerFuture = asyncio.Future[Answer]


@dataclass(slots=True)
class _Sent:
    """A command under way.  ``is_late``: nobody waits for its answer any more."""

    command: Command
    answer: AnswerFuture
    timer: asyncio.TimerHandle
    is_late: bool = False


def commands_max(header_digits: int) -> int:
    """Return how many commands a connection may have under way."""
    return min(LINK_COMMANDS_MAX, int(10**header_digits))


class HsmLink(asyncio.Protocol):
    """The protocol object of one connection."""

    def __init__(self, header_digits: int, seconds_max: float) -> None:
        """Wait for the connection; an answer may take ``seconds_max``."""
        self._framing = framing_of(header_digits)
        self._header_digits = header_digits
        self._commands_max = commands_max(header_digits)
        self._seconds_max = seconds_max
        self._buffer = FrameBuffer(self._framing)
        self._sent: dict[bytes, _Sent] = {}
        self._next = 0
        self._silences = 0
        self._is_paused = False
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[str] = self._loop.create_future()
        """Done, with the reason, once the connection is gone."""

    # -- what the event loop says

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=_WRITE_BUFFER_BYTES_MAX)
        _notice_dead_peers(transport.get_extra_info("socket"))

    def data_received(self, data: bytes) -> None:
        """Take what came and hand out the answers that are whole."""
        self._silences = 0
        self._buffer.receive(data)
        try:
            for frame in self._buffer.frames():
                self._take(frame.header, frame.payload)
        except (FramingError, ValueError) as fault:
            self.close(f"the HSM's stream cannot be read on: {fault}")

    def pause_writing(self) -> None:
        """Take no more commands while the HSM does not read."""
        self._is_paused = True

    def resume_writing(self) -> None:
        """Take commands again."""
        self._is_paused = False

    def connection_lost(self, error: Exception | None) -> None:
        """Tell whoever waits."""
        ended = "was lost" if error else "was closed by it"
        self.close(f"the connection to the HSM {ended}")

    # -- what the pool says

    @property
    def is_free(self) -> bool:
        """Whether it can take one more command."""
        has_room = len(self._sent) < self._commands_max
        return has_room and not self._is_paused and not self.lost.done()

    def ask(self, command: Command) -> AnswerFuture:
        """Send a command; the future ends in its answer or in ``NeighbourUnavailable``.

        Where nothing was written it is ``NeverAsked``.
        """
        answer: AnswerFuture = self._loop.create_future()
        if self._transport is None or not self.is_free:
            answer.set_exception(NeverAsked("the connection to the HSM is not free"))
            return answer
        header = self._free_header()
        try:
            framed = enclose(self._framing, command.payload, header)
        except ValueError:
            answer.set_exception(NeverAsked("a command is too long for the HSM"))
            return answer
        timer = self._loop.call_later(self._seconds_max, self._give_up, header)
        self._sent[header] = _Sent(command, answer, timer)
        self._transport.write(framed)
        return answer

    def close(self, why: str) -> None:
        """End the connection at once; whoever waits hears why."""
        if not self.lost.done():
            self.lost.set_result(why)
        if self._transport is not None:
            self._transport.abort()
        waiting, self._sent = list(self._sent.values()), {}
        for sent in waiting:
            _end(sent, NeighbourUnavailable(why))

    # -- the rest

    def _free_header(self) -> bytes:
        while True:
            header = f"{self._next:0{self._header_digits}d}".encode()
            self._next = (self._next + 1) % 10**self._header_digits
            if header not in self._sent:
                return header

    def _take(self, header: bytes, payload: bytes) -> None:
        sent = self._sent.get(header)
        if sent is None:
            message = "an answer to nothing that was asked"
            raise ValueError(message)
        answer = Answer.read(payload)
        if answer.code != sent.command.answer_code:
            message = "an answer to another command"
            raise ValueError(message)
        del self._sent[header]
        _end(sent, answer)

    def _give_up(self, header: bytes) -> None:
        sent = self._sent[header]
        sent.is_late = True
        self._silences += 1
        _end(sent, NeighbourUnavailable("the HSM did not answer in time"))
        late = sum(one.is_late for one in self._sent.values())
        if self._silences >= SILENCES_MAX:
            self.close("the HSM is silent")
        elif 2 * late > self._commands_max:
            self.close("the HSM leaves too much unanswered")


@dataclass(frozen=True, slots=True)
class HsmLine:
    """How an HSM is spoken to."""

    seconds_max: float
    """How long an answer may take."""
    header_digits: int
    tls: Callable[[], ssl.SSLContext] | None = None
    """Makes the context of each connection; ``None``: they are in the clear."""


class HsmDialler:
    """Connects to one address, and makes sure that an HSM is there."""

    def __init__(
        self, address: tuple[str, int], line: HsmLine, greeting: Callable[[], Command]
    ) -> None:
        """``greeting`` is the command that any HSM answers."""
        self._address = address
        self._line = line
        self._greeting = greeting

    async def dial(self) -> tuple[HsmLink, Answer]:
        """Connect and greet, within ``seconds_max``.  Raises ``NeighbourUnavailable``.

        Under TLS the certificate must name the host of the address.
        """
        line = self._line
        link = HsmLink(line.header_digits, line.seconds_max)
        try:
            async with asyncio.timeout(line.seconds_max):
                context = None if line.tls is None else line.tls()
                await asyncio.get_running_loop().create_connection(
                    lambda: link, *self._address, ssl=context
                )
                return link, await link.ask(self._greeting())
        except TimeoutError:
            link.close("no HSM answers there in time")
        except (OSError, ValueError) as error:
            link.close(f"no connection: {plain_words(error)}")
        except BaseException:
            link.close("given up")
            raise
        raise NeighbourUnavailable(link.lost.result())


def _end(sent: _Sent, outcome: Answer | NeighbourUnavailable) -> None:
    sent.timer.cancel()
    if sent.answer.done():
        return
    if isinstance(outcome, Answer):
        sent.answer.set_result(outcome)
    else:
        sent.answer.set_exception(outcome)


def _notice_dead_peers(wire: socket.socket) -> None:
    """Have the system probe an idle HSM, and give up on one that acknowledges nothing."""
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    wanted = {
        "TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3,
        "TCP_USER_TIMEOUT": _UNACKNOWLEDGED_MS_MAX,
    }  # fmt: skip
    for name, value in wanted.items():
        if hasattr(socket, name):
            wire.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
