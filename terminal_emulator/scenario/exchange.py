"""The link of one case: bytes go out in the shape a step wants, answers come in as heard.

Plan: ``Wire`` moves bytes; here they become messages, and the host's own 0800 get their 00
at once, so that they stand in no case's way.
Limits: a key the host delivers is not taken: it would be lost with the case.
"""

import asyncio
import ssl
from itertools import pairwise

from atm_switch.domain.errors import FormatError
from atm_switch.domain.outcome import Outcome
from atm_switch.messages.mti import is_response
from atm_switch.profile.model import Profile
from atm_switch.wire.framing import Frame, answering_header, enclose
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager
from terminal_emulator.address import Address
from terminal_emulator.keys import TerminalKeys
from terminal_emulator.scenario.judge import Heard
from terminal_emulator.scenario.model import Step
from terminal_emulator.scenario.wire import Wire

DOWN = "not up"
"""How a link that was never made has ended."""


class Exchange:
    """Messages over a link that can be made anew."""

    def __init__(
        self, address: Address, profile: Profile, keys: TerminalKeys, tls: ssl.SSLContext | None
    ) -> None:
        """Wait for ``connect``."""
        self._address, self._profile, self._keys, self._tls = address, profile, keys, tls
        self._packager = Packager(profile)
        self._wire: Wire | None = None
        self._held: list[bytes] = []

    @property
    def wire(self) -> Wire | None:
        """The link as it is now; ``None`` before the first."""
        return self._wire

    @property
    def how_ended(self) -> str:
        """How the link ended; empty while it is up."""
        return self._wire.how_ended if self._wire else DOWN

    async def connect(self) -> None:
        """Make a link, in place of the one before.  Raises ``Refused``."""
        await self.close()
        self._wire = await Wire.open(self._address, self._profile, self._own, self._tls)

    async def close(self) -> None:
        """End the link, if there is one."""
        if self._wire is not None:
            await self._wire.close()

    async def send(self, octets: bytes, step: Step) -> None:
        """Write a frame as the step shapes it; one that is held goes with the next."""
        self._held += [octets] * step.times
        if step.hold:
            return
        frames = reversed(self._held) if step.reorder else self._held
        together = b"".join(frames)
        self._held = []
        wire = self._wire
        if wire is None:
            return
        if step.late:
            wire.stop_reading()
        for piece in _pieces(together, step):
            await wire.write(piece)
            # The loop gets to send each piece by itself.
            await asyncio.sleep(step.drip)
        if step.late:
            await asyncio.sleep(step.late)
            wire.go_on_reading()

    async def say(self, payload: bytes) -> None:
        """Write a whole frame."""
        if self._wire is not None:
            await self._wire.write(enclose(self._profile.framing, payload))

    async def hear(self, seconds: float, began: float) -> Heard | None:
        """Return the next answer; ``None`` if none comes in time or the link ends first.

        ``began``: when what it answers was sent, in the loop's seconds.
        """
        came = await self._wire.frame(seconds) if self._wire else None
        if came is None:
            return None
        try:
            message = self._packager.unpack(came.payload)
        except FormatError as fault:
            return Heard(came.payload, None, came.at - began, str(fault))
        authentic = self._keys.is_authentic(came.payload, message, self._profile)
        return Heard(came.payload, message, came.at - began, is_authentic=authentic)

    def _own(self, frame: Frame) -> bytes | None:
        """Answer the host's own 0800 with 00; anything else is an answer to be judged."""
        try:
            message = self._packager.unpack(frame.payload)
        except FormatError:
            return None
        rule = self._profile.messages["network"]
        if is_response(message.mti) or message.mti not in rule.mti:
            return None
        if message.get(70) in self._profile.security.key_delivery:
            return b""
        elements = {**message.only(rule.echo), 39: self._profile.code_of(Outcome.APPROVED)}
        answer = IsoMessage("0810", dict(sorted(elements.items())))
        packed = self._keys.pack(answer, self._packager, like=frame.payload)
        header = answering_header(self._profile.framing, frame.header)
        return enclose(self._profile.framing, packed, header)


def _pieces(octets: bytes, step: Step) -> list[bytes]:
    if step.drip or isinstance(step.split, str):
        cuts = list(range(1, len(octets)))
    else:
        cuts = sorted({at for at in step.split if 0 < at < len(octets)})
    return [octets[first:last] for first, last in pairwise([0, *cuts, len(octets)])]
