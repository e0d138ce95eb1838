"""Requests by the thousand: a packed message in which only a few elements change.

Plan: one message for each terminal and card is packed as any other; the places of DE7, 11,
12, 13 and 37 in it are looked up, and a request is the constant bytes with fresh ones
between.  The first request of every stencil is compared with what the packager writes.
Limits: lengths do not change, so the changing elements are fixed ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from atm_switch.domain.instant import Zone
from atm_switch.messages.authentication import MAC_ELEMENTS, covered_by_mac, spelled_mac
from atm_switch.profile.model import Profile
from atm_switch.security.mac import MacAlgorithm, mac
from atm_switch.wire.framing import enclose
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager
from atm_switch.wire.part import Part, parts_of
from terminal_emulator.explain.dissection import dissect
from terminal_emulator.keys import TerminalKeys

CHANGING = (7, 11, 12, 13, 37)


@dataclass(frozen=True, slots=True)
class Moment:
    """What all requests of one second have in common."""

    stamps: Mapping[int, str]
    reference: str
    """DE37 without its STAN: ``YDDDHH`` (domain.md 4.6)."""

    @classmethod
    def of(cls, now: datetime, zone: Zone) -> "Moment":
        """Look at ``now``, UTC."""
        local = now.astimezone(zone.tzinfo)
        return cls(
            {7: f"{now:%m%d%H%M%S}", 12: f"{local:%H%M%S}", 13: f"{local:%m%d}"},
            f"{now:%Y%j%H}"[3:],
        )


@dataclass(slots=True)
class Stencil:
    """A request with holes; ``payload`` fills them."""

    constants: list[bytes] = field(repr=False)
    holes: list[int]
    """The element in each hole, between the constants."""
    profile: Profile
    keys: TerminalKeys = field(repr=False)
    _parts: Mapping[int, Part] = field(repr=False)
    _moment: Moment | None = None
    _written: dict[int, bytes] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls,
        message: IsoMessage,
        packager: Packager,
        keys: TerminalKeys,
        parts: Mapping[int, Part] | None = None,
    ) -> "Stencil":
        """Make a stencil of a request; ``parts`` of the profile are shared by many.

        Raises ``ValueError`` for a request that cannot be packed.
        """
        profile = packager.profile
        parts = parts or parts_of(profile.elements, profile.encoding)
        bare = message.without(*MAC_ELEMENTS)
        payload = keys.pack(bare, packager)
        places = sorted(
            (piece.offset, len(piece.octets), number)
            for number, piece in dissect(payload, profile, parts).elements().items()
            if number in CHANGING
        )
        end = len(covered_by_mac(payload, profile)) if keys.mac else len(payload)
        constants, holes, at = [], [], 0
        for offset, width, number in places:
            constants.append(payload[at:offset])
            holes.append(number)
            at = offset + width
        constants.append(payload[at:end])
        return cls(constants, holes, profile, keys, parts)

    def payload(self, stan: str, moment: Moment) -> bytes:
        """Write the request with this DE11 at this moment, and its MAC where there is a key."""
        if moment is not self._moment:
            self._moment = moment
            self._written = {
                number: self._octets(number, text) for number, text in moment.stamps.items()
            }
        written = self._written
        pieces = [self.constants[0]]
        for number, constant in zip(self.holes, self.constants[1:], strict=True):
            if number == 11:
                pieces.append(self._octets(11, stan))
            elif number == 37:
                pieces.append(self._octets(37, moment.reference + stan))
            else:
                pieces.append(written[number])
            pieces.append(constant)
        whole = b"".join(pieces)
        if not self.keys.mac:
            return whole
        algorithm = MacAlgorithm(self.profile.security.mac_algorithm)
        return whole + spelled_mac(mac(algorithm, self.keys.mac[0], whole), self.profile)

    def frame(self, stan: str, moment: Moment) -> bytes:
        """Write the request as it goes out on the line."""
        return enclose(self.profile.framing, self.payload(stan, moment))

    def check(self, packager: Packager, message: IsoMessage) -> None:
        """Raise ``ValueError`` unless the stencil writes what the packager writes."""
        now = datetime.now(UTC)
        moment = Moment.of(now, Zone.WIB)
        fresh = {**moment.stamps, 11: "000001", 37: moment.reference + "000001"}
        elements = {
            number: fresh.get(number, text)
            for number, text in message.elements.items()
            if number not in MAC_ELEMENTS
        }
        if self.keys.pack(IsoMessage(message.mti, elements), packager) != self.payload(
            "000001", moment
        ):
            message_text = "the stencil does not write what the packager writes"
            raise ValueError(message_text)

    def _octets(self, number: int, text: str) -> bytes:
        if self._parts[number].in_hexadecimal:
            return bytes.fromhex(text if len(text) % 2 == 0 else "0" + text)
        return text.encode(self.profile.encoding.text)
