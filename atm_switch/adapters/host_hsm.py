"""The HSM's answers from a hardware HSM over TCP: no key is ever in the clear here.

Plan: each question is one task of the loop; ``Desk`` takes it as a future.  Every
connection carries many commands at a time (``hsm_link``), all connections are taken in
turn (``hsm_pool``).  Where two keys or more than one format may be meant, all are asked
about at once and the first well-formed one decides, as in the software engine: a
malformed block and a wrong PIN take the same time.
Limits: the keys of a line are tokens.
Why no question is repeated on another connection: the time it has is the requester's, and
a lost answer says nothing of what was verified.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, TypeVar

from atm_switch.adapters import hsm_commands as commands
from atm_switch.adapters import hsm_errors as errors
from atm_switch.adapters import hsm_pin_commands as pins
from atm_switch.adapters.hsm_commands import Answer, Command
from atm_switch.adapters.hsm_link import HsmDialler, HsmLine, commands_max
from atm_switch.adapters.hsm_pool import Address, HsmPool, Tell
from atm_switch.adapters.hsm_tokens import Token, with_type
from atm_switch.adapters.software_hsm import require_translation
from atm_switch.domain.errors import NeighbourUnavailable, NeverAsked
from atm_switch.domain.secret import Key, PinBlock
from atm_switch.security.key_ring import KeyUsage, LineKey
from atm_switch.security.mac import MAC_BYTES, MacAlgorithm
from atm_switch.switch.hsm_port import (
    CheckMac,
    ImportKey,
    MakeMac,
    MintedKey,
    MintKey,
    PinVerdict,
    TranslatePin,
    VerifyPin,
)
from atm_switch.switch.retries import Retries

T = TypeVar("T")

CHECKS_MAX: Final = 8
"""Tokens asked about at a time: what a request asks of a slow HSM waits behind no more of them."""


class HostHsm:
    """The HSM's questions answered by hardware; to be started in the loop and closed there."""

    def __init__(
        self,
        addresses: Sequence[Address],
        connections: int,
        line: HsmLine,
        *,
        tell: Tell = lambda _event, _fields: None,
        retries: Retries = Retries(random.random),  # noqa: B008  a value that nobody changes
        table: str = "",
    ) -> None:
        """Keep ``connections`` to each address.

        ``table``: the decimalisation table where PINs are verified by IBM 3624, not by PVV.
        """
        self._table = table
        self.checks_at_once = max(1, min(CHECKS_MAX, commands_max(line.header_digits) // 4))
        """How many tokens are to be asked about at a time: a quarter of what a connection takes."""
        diallers = [
            (one, HsmDialler(one, line, commands.diagnostics))
            for _ in range(connections)
            for one in addresses
        ]
        self._pool = HsmPool(diallers, retries, tell)
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def live(self) -> int:
        """Count the connections that are up."""
        return self._pool.live

    async def start(self) -> None:
        """Connect; where an HSM is away, go on trying in the background."""
        await self._pool.start()

    async def close(self) -> None:
        """Disconnect; questions under way end in ``NeighbourUnavailable``."""
        await self._pool.close()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def verify_pin(self, question: VerifyPin) -> "asyncio.Future[PinVerdict]":
        """Begin to tell whether the block holds the card's PIN; one no for every wrong."""
        return self._begin(self._verify_pin(question))

    def translate_pin(self, question: TranslatePin) -> "asyncio.Future[PinBlock | None]":
        """Begin to make another block of a PIN; the future may end in ``TranslationRefused``."""
        return self._begin(self._translate_pin(question))

    def check_mac(self, question: CheckMac) -> "asyncio.Future[int | None]":
        """Begin to tell which key the MAC was made with."""
        return self._begin(self._check_mac(question))

    def make_mac(self, question: MakeMac) -> "asyncio.Future[bytes]":
        """Begin to make a MAC."""
        return self._begin(self._make_mac(question))

    def import_key(self, question: ImportKey) -> "asyncio.Future[LineKey]":
        """Begin to open a key block; the future may end in ``KeyRefused``."""
        return self._begin(self._import_key(question))

    def mint_key(self, question: MintKey) -> "asyncio.Future[MintedKey]":
        """Begin to make a key and its block."""
        return self._begin(self._mint_key(question))

    def check_value(self, key: LineKey, usage: KeyUsage) -> "asyncio.Future[str]":
        """Begin to ask for a key's check value: whether the HSM knows the token at all.

        The future may end in ``KeyRefused``.
        """
        return self._begin(self._check_value(key, usage))

    def _begin(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)  # the loop itself holds tasks weakly
        task.add_done_callback(self._tasks.discard)
        return task

    async def _all(self, asked: Sequence[Command]) -> list[Answer | BaseException]:
        futures = [self._pool.ask(command) for command in asked]
        return await asyncio.gather(*futures, return_exceptions=True)

    async def _verify_pin(self, question: VerifyPin) -> PinVerdict:
        tries = _tries(
            question,
            lambda key, pin_format: pins.verify_pin(question, key, pin_format, self._table),
        )
        answers = await self._all([command for _, _, command in tries])
        heard = [
            _heard(command, answer) for (_, _, command), answer in zip(tries, answers, strict=True)
        ]
        if heard and all(isinstance(one, NeverAsked) for one in heard):
            raise NeverAsked(str(heard[0]))
        for (at, pin_format, _), is_right in zip(tries, heard, strict=True):
            if isinstance(is_right, NeighbourUnavailable):
                raise NeighbourUnavailable(
                    str(is_right)
                )  # of the others one may have been looked at
            if is_right is None or not pins.block_fits(question.block, pin_format):
                continue
            return PinVerdict(is_right and pins.pvv_fits(question.pvv), at)
        return PinVerdict(is_right=False, key_at=None)

    async def _translate_pin(self, question: TranslatePin) -> PinBlock | None:
        require_translation(question)
        tries = _tries(
            question, lambda key, pin_format: pins.translate_pin(question, key, pin_format)
        )
        answers = await self._all([command for _, _, command in tries])
        for (_, pin_format, command), come in zip(tries, answers, strict=True):
            answer = _come(come)
            if errors.is_right_pin(command, answer) and pins.block_fits(question.block, pin_format):
                return pins.read_translated(answer, question)
        return None

    async def _check_mac(self, question: CheckMac) -> int | None:
        algorithm = MacAlgorithm(question.algorithm)
        received = question.received
        if len(received) != MAC_BYTES:
            return None  # cut short or grown; the sender knows that
        asked = [
            commands.verify_mac(algorithm, key, question.covered, received) for key in question.keys
        ]
        answers = await self._all(asked)
        for at, (command, answer) in enumerate(zip(asked, answers, strict=True)):
            if errors.is_right(command, _come(answer)):
                return at
        return None

    async def _make_mac(self, question: MakeMac) -> bytes:
        algorithm = MacAlgorithm(question.algorithm)
        command = commands.make_mac(algorithm, question.key, question.covered)
        answer = await self._pool.ask(command)
        errors.require_done(command, answer)
        return commands.read_mac(answer)

    async def _import_key(self, question: ImportKey) -> LineKey:
        command = commands.import_key(question)
        answer = await self._pool.ask(command)
        errors.require_imported(command, answer)
        text, check = commands.read_imported(answer)
        return _line_key(text, check, question)

    async def _mint_key(self, question: MintKey) -> MintedKey:
        command = commands.generate_key(question)
        answer = await self._pool.ask(command)
        errors.require_done(command, answer)
        text, block, check = commands.read_generated(answer, question)
        return MintedKey(_line_key(text, check, question), block)

    async def _check_value(self, key: LineKey, usage: KeyUsage) -> str:
        command = commands.check_value(key, usage)
        answer = await self._pool.ask(command)
        errors.require_known(command, answer)
        return commands.read_check_value(answer)


def _tries(
    question: VerifyPin | TranslatePin, written: Callable[[LineKey, str], Command]
) -> list[tuple[int, str, Command]]:
    """Return a command for each key, named by its place, and format.  Raises ``NeverAsked``."""
    try:
        return [
            (at, pin_format, written(key, pin_format))
            for at, key in enumerate(question.keys)
            for pin_format in _formats(key, question.formats)
        ]
    except NeighbourUnavailable as error:
        raise NeverAsked(str(error)) from None  # all are written before the first is sent


def _formats(key: LineKey, allowed: frozenset[str]) -> list[str]:
    formats = sorted(allowed & pins.PIN_FORMATS[key.algorithm].keys())
    if not formats:
        raise NeverAsked("a PIN key is not of the algorithm of the PIN block's format")
    return formats


def _line_key(text: bytes, check: str, question: ImportKey | MintKey) -> LineKey:
    exchange = Token.of(question.exchange_key, KeyUsage.EXCHANGE)
    kind = exchange.type_below(question.usage, question.algorithm)
    token = with_type(text, kind, question.usage)
    return LineKey(Key(token), check, question.algorithm, is_clear=False)


def _heard(command: Command, answer: Answer | BaseException) -> bool | NeighbourUnavailable | None:
    """Return what one answer says of the PIN, or why it says nothing."""
    try:
        return errors.is_right_pin(command, _come(answer))
    except NeighbourUnavailable as silent:
        return silent


def _come(answer: Answer | BaseException) -> Answer:
    if isinstance(answer, BaseException):
        raise answer
    return answer
