"""A TCP link to the host: questions out, answers matched to them, the host's own answered.

Plan: one task reads; each question waits on a future under its key (MTI of the answer,
DE7, DE11), so answers may overtake each other.  The host's own 0800 are answered from the
reading task; a response is never answered.
Limits: no reconnecting, whoever holds the link decides that.  An answer that comes after
its question was given up is dropped.
"""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self

from atm_switch.domain.errors import FormatError, FramingError, Refused
from atm_switch.domain.outcome import Outcome
from atm_switch.messages.mti import is_answerable, is_response, response_mti
from atm_switch.messages.responses import answer, refusal
from atm_switch.profile.model import Profile
from atm_switch.wire.framing import Frame, FrameBuffer, answering_header, enclose
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager
from terminal_emulator.address import Address, why_unreachable
from terminal_emulator.keys import TerminalKeys
from terminal_emulator.tls import HANDSHAKE_SECONDS, SHUTDOWN_SECONDS, why_refused

CONNECT_SECONDS = 5.0
READ_BYTES = 65_536
GIVEN_UP_MAX = 1_000

QuestionKey = tuple[str, str, str]
"""MTI of the answer, DE7, DE11."""
Watch = Callable[[bool, bytes], None]
"""Sees every payload as it passes; true for one that goes out.  It holds clear content."""


class LinkError(Refused):
    """The host did not do its part; the text is one sentence for the person waiting."""


class Link:
    """An open link; made by ``open_link``."""

    def __init__(
        self,
        address: Address,
        profile: Profile,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        keys: TerminalKeys | None = None,
        watch: Watch | None = None,
    ) -> None:
        """Start reading."""
        self.address = address
        self.deliveries: asyncio.Queue[str | LinkError] = asyncio.Queue()
        """What became of each key the host delivered: its name, or why it was refused.  Last of
        all why the link has ended."""
        self.keys = keys or TerminalKeys()
        self._profile, self._watch = profile, watch
        self._packager = Packager(profile)
        self._is_tls = streams[1].get_extra_info("ssl_object") is not None
        self._has_heard = False
        self._buffer = FrameBuffer(profile.framing)
        self._reader, self._writer = streams
        self._waiting: dict[QuestionKey, tuple[IsoMessage, asyncio.Future[IsoMessage]]] = {}
        self._given_up: dict[QuestionKey, None] = {}
        self._ended: LinkError | None = None
        self._task = asyncio.create_task(self._read(), name=f"link to {address}")

    async def __aenter__(self) -> Self:
        """Hold the link."""
        return self

    async def __aexit__(self, *_exception: object) -> None:
        """Close the link."""
        await self.close()

    @property
    def is_up(self) -> bool:
        """Tell whether anything can still be asked."""
        return self._ended is None

    async def ask(self, question: IsoMessage, seconds: float) -> IsoMessage:
        """Send a question and return its answer.

        Raises ``LinkError`` in one sentence, and ``ValueError`` for a question the profile
        does not allow.
        """
        payload = self.keys.pack(question, self._packager)
        key = (response_mti(question.mti), question[7], question[11])
        if self._ended is not None:
            raise LinkError(str(self._ended))
        future: asyncio.Future[IsoMessage] = asyncio.get_running_loop().create_future()
        self._waiting[key] = (question, future)
        try:
            async with asyncio.timeout(seconds):
                self._send(payload)
                await self._writer.drain()
                return await future
        except TimeoutError:
            self._give_up(key)
            raise LinkError(
                f"{self.address} did not answer STAN {question[11]} within {seconds:g} s"
            ) from None
        except OSError as error:
            raise LinkError(self._broken(error, self._closed())) from None
        finally:
            self._waiting.pop(key, None)

    async def close(self) -> None:
        """Close the link; whoever still waits gets a ``LinkError``."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        self._end("this end closed the link")
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()

    def _send(self, payload: bytes, header: bytes | None = None) -> None:
        if self._watch is not None:
            self._watch(True, payload)  # noqa: FBT003  the first of two, named by its type
        self._writer.write(enclose(self._profile.framing, payload, header))

    async def _read(self) -> None:
        why = "this end closed the link"
        try:
            while data := await self._reader.read(READ_BYTES):
                self._has_heard = True
                self._buffer.receive(data)
                for frame in self._buffer.frames():
                    self._take(frame)
            why = self._closed()
        except FramingError as error:
            why = f"{self.address} answered nonsense: {error}"
        except OSError as error:
            what = error.strerror or type(error).__name__
            why = self._broken(error, f"{self.address} broke the link: {what}{self._hint()}")
        finally:
            self._end(why)

    def _broken(self, error: OSError, otherwise: str) -> str:
        return why_refused(error, self.address) if isinstance(error, ssl.SSLError) else otherwise

    def _closed(self) -> str:
        if self._buffer.pending:
            return f"{self.address} closed the link in the middle of an answer"
        return f"{self.address} closed the link before it answered{self._hint()}"

    def _hint(self) -> str:
        """Say what may be the matter with a host that hangs up without a word."""
        if self._has_heard:
            return ""
        if self._is_tls:
            return "; it may not accept our certificate, see --tls-cert"
        return "; if it speaks TLS, pass --tls-ca, and if another dialect, --profile"

    def _take(self, frame: Frame) -> None:
        if self._watch is not None:
            self._watch(False, frame.payload)  # noqa: FBT003  as above
        try:
            message = self._packager.unpack(frame.payload)
        except FormatError as error:
            self._settle_nonsense(error)
            return
        is_authentic = self.keys.is_authentic(frame.payload, message, self._profile)
        if is_response(message.mti):
            self._settle(message if is_authentic else self._doubted(message))
        elif is_answerable(message.mti):
            self._reply(message, frame, is_authentic=is_authentic)

    def _doubted(self, message: IsoMessage) -> IsoMessage | None:
        """Fail the question this would answer: a terminal believes authentic answers only."""
        key = (message.mti, message.get(7), message.get(11))
        _, future = self._waiting.get(key, (None, None))
        if future is not None:
            said = f"answered {message.get(39)}" if 39 in message else "answered"
            _fail(
                future,
                f"{self.address} {said}, but its MAC is not under this terminal's MAC key: "
                "compare the key check values of both sides",
            )
        return None

    def _settle(self, message: IsoMessage | None) -> None:
        if message is None:
            return
        key = (message.mti, message.get(7), message.get(11))
        _, future = self._waiting.get(key, (None, None))
        if future is not None:
            _resolve(future, message)
        elif key not in self._given_up:
            self._settle_stray(message)

    def _settle_stray(self, message: IsoMessage) -> None:
        # Only a lone question can be told from its answer: with more of them open, a
        # stranger is nobody's, and the question it was meant for times out.
        if len(self._waiting) != 1:
            return
        question, future = next(iter(self._waiting.values()))
        missing = any(number not in message for number in (7, 11))
        if missing and message.mti == response_mti(question.mti):
            _resolve(future, message)
            return
        number = next((n for n in (11, 7) if message.get(n) != question[n]), 0)
        _fail(
            future,
            f"{self.address} answered another question: the answer to STAN {question[11]} "
            f"has a different DE{number:03d}",
        )

    def _settle_nonsense(self, error: FormatError) -> None:
        key = (error.mti, error.readable.get(7, ""), error.readable.get(11, ""))
        if error.mti and not is_response(error.mti):
            return
        known = self._waiting.get(key)
        for _, future in [known] if known else list(self._waiting.values()):
            _fail(future, f"{self.address} answered nonsense: {error}")

    def _reply(self, message: IsoMessage, frame: Frame, *, is_authentic: bool) -> None:
        profile = self._profile
        outcome = self._judge(message) if is_authentic else Outcome.MAC_WRONG
        rule = profile.messages["network"]
        if message.mti in rule.mti and outcome is not Outcome.UNSUPPORTED_TRANSACTION:
            response = answer(message, rule, profile.code_of(outcome))
        else:
            response = refusal(message.mti, message.elements, profile, outcome)
        header = answering_header(profile.framing, frame.header)
        payload = self.keys.pack(response, self._packager, like=frame.payload)
        self._send(payload, header)

    def _judge(self, message: IsoMessage) -> Outcome:
        """Do what the host's own 0800 asks, and say how it ended."""
        profile = self._profile
        codes, rules = profile.network, profile.security
        if message.mti not in profile.messages["network"].mti:
            return Outcome.UNSUPPORTED_TRANSACTION
        if message.get(70) in rules.key_delivery:
            try:
                name = self.keys.take(message.get(rules.key_element), profile)
            except ValueError as error:
                self.deliveries.put_nowait(f"refused: {error}")
                return Outcome.FORMAT_ERROR
            self.deliveries.put_nowait(name)
            return Outcome.APPROVED
        known = (codes.sign_on, codes.sign_off, codes.echo, codes.cut_over)
        return Outcome.APPROVED if message.get(70) in known else Outcome.UNSUPPORTED_TRANSACTION

    def _give_up(self, key: QuestionKey) -> None:
        self._given_up[key] = None
        if len(self._given_up) > GIVEN_UP_MAX:
            del self._given_up[next(iter(self._given_up))]

    def _end(self, why: str) -> None:
        if self._ended is None:
            self._ended = LinkError(why)
            self.deliveries.put_nowait(self._ended)
        for _, future in self._waiting.values():
            _fail(future, str(self._ended))


async def open_link(
    address: Address,
    profile: Profile,
    seconds: float = CONNECT_SECONDS,
    keys: TerminalKeys | None = None,
    tls: ssl.SSLContext | None = None,
    watch: Watch | None = None,
) -> Link:
    """Connect within ``seconds``, by TLS if ``tls`` says how.  Raises ``LinkError``."""
    secured: dict[str, Any] = {}
    if tls is not None:
        secured = {
            "ssl": tls,
            "ssl_handshake_timeout": HANDSHAKE_SECONDS,
            "ssl_shutdown_timeout": SHUTDOWN_SECONDS,
        }
    hint = "; it may speak no TLS (leave out --tls-ca) or want a --tls-cert" if tls else ""
    try:
        async with asyncio.timeout(seconds):
            streams = await asyncio.open_connection(address.host, address.port, **secured)
    except (TimeoutError, ConnectionAbortedError):
        raise LinkError(f"{address} did not take the call within {seconds:g} s{hint}") from None
    except ConnectionResetError:
        raise LinkError(f"{address} hung up at once{hint}") from None
    except ssl.SSLError as error:
        raise LinkError(why_refused(error, address)) from None
    except OSError as error:
        raise LinkError(why_unreachable(address, error)) from None
    return Link(address, profile, streams, keys, watch)


def _resolve(future: "asyncio.Future[IsoMessage]", message: IsoMessage) -> None:
    if not future.done():
        future.set_result(message)


def _fail(future: "asyncio.Future[IsoMessage]", why: str) -> None:
    if not future.done():
        future.set_exception(LinkError(why))
