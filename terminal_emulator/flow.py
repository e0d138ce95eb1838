"""A terminal with a link to its host: sign on, inquire, sign off.

``one_inquiry`` is the whole way once; ``Line`` is the same taken apart, for those who
stay on the line.  Clock and chance are read here, at the edge.
"""

import asyncio
import secrets
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from atm_switch.domain.secret import Pin
from atm_switch.messages.inquiry_data import InquiryData, Lookup
from terminal_emulator.address import Address
from terminal_emulator.answers import (
    InquiryResult,
    NetworkResult,
    read_inquiry_answer,
    read_network_answer,
)
from terminal_emulator.kit import Kit, find_profile
from terminal_emulator.link import CONNECT_SECONDS, Link, LinkError, Watch, open_link
from terminal_emulator.options import DEFAULT_SECONDS
from terminal_emulator.terminal import STAN_MAX, Terminal, Verb

SIGN_OFF_SECONDS = 2.0
"""Nobody waits long for a good-bye."""

BY_CARD = InquiryData(Lookup.CARD, "ID")
"""The card's own KPJ, in Indonesian, with a slip of 40 columns."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How to talk: seconds per answer, whether to sign on, the inquiry's STAN, and by TLS;
    and who watches what passes.

    Without a ``stan`` counting starts anywhere: two runs within a second would otherwise
    be one repeat to the host.
    """

    seconds: float = DEFAULT_SECONDS
    signs_on: bool = True
    stan: int | None = None
    tls: ssl.SSLContext | None = None
    watch: Watch | None = None

    def first_stan(self) -> int:
        """Choose where counting starts, so that the inquiry gets its ``stan``."""
        if self.stan is None:
            return 1 + secrets.randbelow(STAN_MAX)
        return (self.stan - 2) % STAN_MAX + 1 if self.signs_on else self.stan


DEFAULT_MANNER = Manner()


class Line:
    """One terminal on one link.  Every method raises ``LinkError`` in one sentence."""

    def __init__(self, link: Link, terminal: Terminal, manner: Manner) -> None:
        """Take an open link."""
        self.link = link
        self.terminal = terminal
        self._manner = manner
        self._is_signed_on = False

    async def network(self, verb: Verb, language: str = "EN") -> NetworkResult:
        """Sign on, sign off or echo, and return what the host said of it."""
        question = self.terminal.network(verb, datetime.now(UTC))
        started = asyncio.get_running_loop().time()
        reply = await self.link.ask(question, self._manner.seconds)
        profile = self.terminal.profile
        try:
            result = read_network_answer(question, reply, profile, language)
        except ValueError as error:
            raise LinkError(f"{self.link.address} answered nonsense: {error}") from None
        if result.is_approved and verb in (Verb.SIGN_ON, Verb.SIGN_OFF):
            self._is_signed_on = verb is Verb.SIGN_ON
        return NetworkResult(
            result.code, result.text, result.is_approved, result.stan, _since(started)
        )

    async def sign_on(self) -> None:
        """Sign on; raises ``LinkError`` also where the host refuses it."""
        result = await self.network(Verb.SIGN_ON)
        if not result.is_approved:
            raise LinkError(f"{self.link.address} refused the sign-on: {result.code} {result.text}")

    async def inquire(
        self, pan: str, pin: Pin | None = None, wish: InquiryData = BY_CARD
    ) -> InquiryResult:
        """Ask for a balance.  A decline is a result, not an error.

        Raises ``ValueError`` for a PIN or data that cannot be sent.
        """
        self.terminal.pin_key = self.link.keys.pin  # a new one may have been delivered
        question = self.terminal.inquiry(pan, wish, datetime.now(UTC), pin)
        started = asyncio.get_running_loop().time()
        reply = await self.link.ask(question, self._manner.seconds)
        profile = self.terminal.profile
        try:
            result = read_inquiry_answer(question, reply, profile, wish.language)
        except ValueError as error:
            raise LinkError(f"{self.link.address} answered nonsense: {error}") from None
        return result.took(_since(started))

    async def request_keys(self, count: int) -> list[str]:
        """Ask for new keys and return what became of the ``count`` deliveries that follow.

        Raises ``LinkError`` also where the host refuses, or delivers fewer: at once where it is
        gone.
        """
        result = await self.network(Verb.KEY_REQUEST)
        if not result.is_approved:
            raise LinkError(
                f"{self.link.address} refused to deliver keys: {result.code} {result.text}"
            )
        try:
            async with asyncio.timeout(self._manner.seconds):
                return [await self._delivery() for _ in range(count)]
        except TimeoutError:
            raise LinkError(f"{self.link.address} did not deliver all keys in time") from None

    async def _delivery(self) -> str:
        told = await self.link.deliveries.get()
        if isinstance(told, LinkError):
            raise LinkError(str(told))
        return told

    async def close(self) -> None:
        """Sign off where signing on was ours, then hang up; what goes wrong hurts nobody."""
        with suppress(LinkError):
            if self._manner.signs_on and self._is_signed_on and self.link.is_up:
                question = self.terminal.network(Verb.SIGN_OFF, datetime.now(UTC))
                await self.link.ask(question, min(self._manner.seconds, SIGN_OFF_SECONDS))
        await self.link.close()


async def open_line(address: Address, kit: Kit, manner: Manner = DEFAULT_MANNER) -> Line:
    """Connect a terminal, and sign it on unless ``manner`` says not to.

    Raises ``LinkError``, and ``Refused`` for a kit whose profile cannot be read.
    """
    profile = find_profile(kit.profile)
    stan = manner.first_stan()
    terminal = Terminal(profile, kit.station, kit.pin_key, stan, names_itself=kit.owns_keys)
    link = await open_link(address, profile, CONNECT_SECONDS, kit.keys(), manner.tls, manner.watch)
    line = Line(link, terminal, manner)
    try:
        if manner.signs_on:
            await line.sign_on()
    except BaseException:
        await line.close()
        raise
    return line


@asynccontextmanager
async def line_to(
    address: Address, kit: Kit, manner: Manner = DEFAULT_MANNER
) -> AsyncIterator[Line]:
    """Hold a line for a block; signs off and hangs up after it, whatever happens."""
    line = await open_line(address, kit, manner)
    try:
        yield line
    finally:
        await line.close()


async def one_inquiry(
    connect: str,
    kit: Kit,
    pan: str,
    pin: Pin | None = None,
    wish: InquiryData = BY_CARD,
    manner: Manner = DEFAULT_MANNER,
) -> InquiryResult:
    """Sign on at ``HOST:PORT``, inquire, sign off.  The caller wipes the ``pin``.

    Raises ``LinkError`` in one sentence, ``Refused``, and ``ValueError`` for what
    cannot be sent.  A decline is a result, not an error.
    """
    async with line_to(Address.read(connect), kit, manner) as line:
        return await line.inquire(pan, pin, wish)


def _since(started: float) -> float:
    return (asyncio.get_running_loop().time() - started) * 1000
