"""What the terminal of a case says: messages as a step wants them, rightly signed or not."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from atm_switch.domain.errors import Refused
from atm_switch.domain.identifiers import Kpj
from atm_switch.domain.secret import Key, Pin
from atm_switch.messages.authentication import MAC_ELEMENTS, mac_element, mac_width, spelled_mac
from atm_switch.messages.inquiry_data import InquiryData, Lookup
from atm_switch.profile.model import Profile
from atm_switch.security.mac import MacAlgorithm, mac
from atm_switch.wire.message import IsoMessage
from terminal_emulator.kit import Kit
from terminal_emulator.scenario.forge import forged
from terminal_emulator.scenario.model import Step
from terminal_emulator.scenario.target import Target
from terminal_emulator.terminal import Terminal, Verb

_NETWORK = {
    "sign-on": Verb.SIGN_ON, "sign-off": Verb.SIGN_OFF, "request-keys": Verb.KEY_REQUEST,
}  # fmt: skip
_NO_MAC = "00" * 8


class Speaker:
    """One terminal and what it has said under a name."""

    def __init__(self, kit: Kit, profile: Profile, target: Target, first_stan: int) -> None:
        """Begin with a fresh terminal."""
        self.keys = kit.keys()
        self.terminal = Terminal(
            profile, kit.station, kit.pin_key, first_stan, names_itself=kit.owns_keys
        )
        self._profile, self._target = profile, target
        self._requests: dict[str, IsoMessage] = {}

    def network(self, verb: Verb) -> bytes:
        """Write a rightly signed 0800."""
        return self.signed(self.terminal.network(verb, datetime.now(UTC)), "right")

    def message(self, step: Step) -> IsoMessage:
        """Make the message of a step, and remember it under the step's name.

        Raises ``Refused`` for what the target does not have, ``ValueError`` for data that
        cannot be sent.
        """
        now = datetime.now(UTC) + timedelta(seconds=step.skew)
        if step.do == "repeat":
            made = self._requests.get(step.again or "")
            if made is None:
                raise Refused(f"{step.at}: no request was saved as {step.again!r}")
        elif step.do == "inquire":
            made = self._inquiry(step, now)
        else:
            made = self.terminal.network(_NETWORK.get(step.do, Verb.ECHO), now)
        elements = {**made.elements, **step.set}
        if step.code is not None:
            elements[70] = step.code
        for number in step.unset:
            elements.pop(number, None)
        message = IsoMessage(step.mti or made.mti, dict(sorted(elements.items())))
        if step.save:
            self._requests[step.save] = message
        return message

    def _inquiry(self, step: Step, now: datetime) -> IsoMessage:
        role = self._target.cards.get(step.card)
        if role is None:
            raise Refused(f"{step.at}: the target has no card in the role {step.card!r}")
        wanted = dict(step.data)
        kpj = wanted.pop("kpj", None)
        data = InquiryData(
            lookup=Lookup.CARD if kpj is None else Lookup.KPJ,
            language=str(wanted.pop("language", "ID")),
            kpj_index=int(wanted.pop("index", 0)),
            receipt_width=int(wanted.pop("width", 40)),
            kpj=None if kpj is None else Kpj(str(kpj)),
        )
        if wanted:
            raise Refused(f"{step.at}: data has language, index, width and kpj, no {min(wanted)}")
        digits = role.pin if step.pin is None else step.pin
        has_pin = bool(digits) and self.terminal.pin_key is not None
        pin = Pin(digits.encode()) if has_pin else None
        with self._pin_key_of(step):
            return self.terminal.inquiry(role.pan, data, now, pin)

    @contextmanager
    def _pin_key_of(self, step: Step) -> Iterator[None]:
        kept = self.terminal.pin_key
        if step.pin_key == "other" and kept is None:
            raise Refused(
                f'{step.at}: the kit has no PIN key, so pin_key = "other" cannot be played'
            )
        if step.pin_key == "other" and kept is not None:
            self.terminal.pin_key = _other_than(kept)
        try:
            yield
        finally:
            self.terminal.pin_key = kept

    def signed(self, message: IsoMessage, how: str) -> bytes:
        """Write the message with its MAC, or with what stands in its place.

        Raises ``Refused`` for a spoilt MAC without a key that a right one could be made with.
        """
        if how == "missing" or (how == "right" and not self.keys.mac):
            return forged(message, self._profile)
        if not self.keys.mac:
            raise Refused(f'the kit has no MAC key, so mac = "{how}" cannot be played')
        bare = message.without(*MAC_ELEMENTS)
        number = mac_element(bare)
        whole = forged(bare.with_element(number, _NO_MAC), self._profile)
        covered = whole[: -mac_width(self._profile)]
        algorithm = MacAlgorithm(self._profile.security.mac_algorithm)
        key = self.keys.mac[0] if how != "other-key" else _other_than(self.keys.mac[0])
        code = mac(algorithm, key, covered)
        if how == "wrong":
            code = bytes(octet ^ 0x55 for octet in code)
        spelled = spelled_mac(code, self._profile)
        return covered + (spelled[: len(spelled) // 2] if how == "truncated" else spelled)


def _other_than(key: Key) -> Key:
    """Return a key the host does not have; four bits of each byte turn, so parity stays."""
    return Key(bytes(octet ^ 0xAA for octet in key.reveal()))
