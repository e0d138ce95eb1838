"""The mock host: takes links, answers by its rules, tells what it did.

Plan: one task a link reads; an answer that is delayed is a task of its own, so that others
overtake it.  MACs are made and checked where the kit has a key.
Limits: it keeps no sessions and knows no cards; its balance is invented.
"""

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime

from atm_switch.domain.errors import FormatError, FramingError
from atm_switch.domain.mask import mask_pan
from atm_switch.domain.money import Money
from atm_switch.domain.outcome import Outcome
from atm_switch.messages.amounts import AdditionalAmount, write_amounts
from atm_switch.messages.inquiry_data import BalanceData, minor_units, write_balance_data
from atm_switch.messages.mti import is_answerable
from atm_switch.messages.responses import answer, refusal
from atm_switch.messages.text_block import TextBlock
from atm_switch.profile.model import Profile
from atm_switch.wire.framing import Frame, FrameBuffer, answering_header, enclose
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager
from terminal_emulator.keys import TerminalKeys
from terminal_emulator.mock_host.rules import Rule, Rules
from terminal_emulator.scenario.forge import forged

Tell = Callable[[str], None]
_OPENING, _PAID = Money(1_940_947_047), Money(171_000_000)
_WIDTH = 40


class MockHost:
    """Answers all links by one set of rules."""

    def __init__(self, profile: Profile, keys: TerminalKeys, rules: Rules, tell: Tell) -> None:
        """Wait for ``serve``."""
        self.rules = rules
        self._profile, self._packager = profile, Packager(profile)
        self._keys, self._tell = keys, tell
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, host: str, port: int) -> asyncio.Server:
        """Listen.  Raises ``OSError`` where the address is taken."""
        return await asyncio.start_server(self._link, host, port)

    async def close(self) -> None:
        """Give up what is delayed."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        buffer = FrameBuffer(self._profile.framing)
        with suppress(OSError, asyncio.CancelledError):
            while data := await reader.read(65_536):
                buffer.receive(data)
                try:
                    for frame in buffer.frames():
                        self._take(frame, writer)
                except FramingError as fault:
                    self._tell(f"framing: {fault}")
                    break
        writer.close()

    def _take(self, frame: Frame, writer: asyncio.StreamWriter) -> None:
        try:
            request = self._packager.unpack(frame.payload)
        except FormatError as fault:
            self._refuse(fault, frame, writer)
            return
        if not is_answerable(request.mti):
            self._count("ignored", request, "")
            return
        rule = self.rules.rule_for(request)
        work = self._act(rule, request, frame, writer)
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _act(
        self, rule: Rule, request: IsoMessage, frame: Frame, writer: asyncio.StreamWriter
    ) -> None:
        if rule.delay:
            await asyncio.sleep(rule.delay)
        if rule.do == "answer":
            made = self._answer(request, rule, frame)
            code = made.get(39)
            self._count(f"answered {code}", request, f"{rule.delay:g} s late" if rule.delay else "")
            await self._send(made, frame, writer, rule)
        elif rule.do == "garbage":
            self._count("garbage", request, "")
            noise = self.rules.chance.randbytes(40)
            writer.write(enclose(self._profile.framing, noise))
        elif rule.do == "drop":
            self._count("dropped", request, "")
        else:
            self._count(rule.do, request, "")
            if rule.do == "reset":
                # Nothing lingers: what the peer sees is a reset, not an end.
                linger = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, linger
                )
            writer.close()

    def _answer(self, request: IsoMessage, rule: Rule, frame: Frame) -> IsoMessage:
        profile = self._profile
        known = profile.rule_of(request.mti)
        if not self._keys.is_authentic(frame.payload, request, profile):
            made = refusal(request.mti, request.elements, profile, Outcome.MAC_WRONG)
        elif known is None:
            made = refusal(request.mti, request.elements, profile, Outcome.UNSUPPORTED_TRANSACTION)
        else:
            code = rule.code or profile.code_of(Outcome.APPROVED)
            is_told = known.name == "inquiry" and code == profile.code_of(Outcome.APPROVED)
            made = answer(request, known, code, _balance(profile) if is_told else None)
        elements = {**made.elements, **rule.set}
        for number in rule.unset:
            elements.pop(number, None)
        return IsoMessage(made.mti, dict(sorted(elements.items())))

    async def _send(
        self, made: IsoMessage, frame: Frame, writer: asyncio.StreamWriter, rule: Rule
    ) -> None:
        try:
            answer = self._enclosed(made, frame)
        except ValueError as fault:
            self._tell(f"not sent, a rule makes it too long: {fault}")
            return
        for time in range(rule.times):
            if time and rule.apart:
                await asyncio.sleep(rule.apart)
            if not writer.is_closing():
                writer.write(answer)

    def _enclosed(self, made: IsoMessage, frame: Frame) -> bytes:
        try:
            payload = self._keys.pack(made, self._packager, like=frame.payload)
        except ValueError:
            payload = forged(made, self._profile)  # a rule wants what no packager writes
        header = answering_header(self._profile.framing, frame.header)
        return enclose(self._profile.framing, payload, header)

    def _refuse(self, fault: FormatError, frame: Frame, writer: asyncio.StreamWriter) -> None:
        self.rules.done["unreadable"] += 1
        self._tell(f"unreadable: {fault}")
        if is_answerable(fault.mti):
            made = refusal(
                fault.mti, fault.readable, self._profile, Outcome.FORMAT_ERROR, fault.data_element
            )
            writer.write(self._enclosed(made, frame))

    def _count(self, what: str, request: IsoMessage, more: str) -> None:
        self.rules.done[what] += 1
        card = f" card {mask_pan(request[2])}" if 2 in request else ""
        stan = f" STAN {request[11]}" if 11 in request else ""
        self._tell(f"{request.mti}{stan}{card}: {what}" + (f", {more}" if more else ""))


def _balance(profile: Profile) -> dict[int, str]:
    """Invent a balance that adds up: the elements an approved inquiry has."""
    today = datetime.now(UTC).date()
    zero, closing = Money(0), _OPENING + _PAID
    data = BalanceData(
        kpj="*******0000", name="CO*** PES****", segment=next(iter(profile.segments)),
        status="A", as_of=today, opening=_OPENING, contributions=_PAID, development=zero,
        claims=zero, closing=closing, rate_millipercent=5000, is_estimate=True, kpj_count=1,
        last_contribution=date(today.year, today.month, 1), host_reference="MOCK00000001",
    )  # fmt: skip
    rules = profile.inquiry
    minor = minor_units(closing, rules.amount_exponent)
    amounts = tuple(
        AdditionalAmount(rules.account_type, kind, rules.currency, minor)
        for kind in (rules.available_amount_type, rules.ledger_amount_type)
    )
    lines = ("MOCK HOST", f"BALANCE Rp {closing.indonesian()}")
    return {
        48: write_balance_data(data, profile),
        54: write_amounts(amounts),
        62: TextBlock("S", _WIDTH, lines).text(),
        63: TextBlock("R", _WIDTH, lines).text(),
    }
