"""What the operator decided, as frozen values: who may connect and how each is judged.

Settings are read at the edge (``settings.py``); these are what the core sees of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from enum import Enum, unique

from atm_switch.domain.accrual import Accrual
from atm_switch.domain.identifiers import AcquirerId, Channel, TerminalId
from atm_switch.domain.instant import Zone


@unique
class PinPolicy(Enum):
    """Who verifies the PIN: this switch, or the bank before the message came here."""

    ISSUER = "issuer"
    ACQUIRER = "acquirer"


@unique
class MacPolicy(Enum):
    """Whether DE64/DE128 must be there and right.  There is no "if present"."""

    REQUIRED = "required"
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminalPolicy:
    """One listed terminal."""

    zone: Zone
    """The zone of its slip."""
    mac: MacPolicy | None = None
    """``None``: as its bank's."""
    certificate_name: str = ""
    """What the certificate of its link must be called; empty is anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AcquirerPolicy:
    """One bank."""

    acquirer: AcquirerId
    name: str
    """Heads the slip, e.g. ``BANK CONTOH``."""
    pin: PinPolicy
    mac: MacPolicy
    admits_any_terminal: bool
    """True: any well-formed DE41; false: only ``terminals``, others get 58."""
    terminals: Mapping[TerminalId, TerminalPolicy]
    unmasked_kpj: bool
    """True: DE48 of the response shows the whole KPJ.  DE62 and DE63 never do."""
    channels: frozenset[Channel]
    """DE18 values this bank may use; others get 40."""
    zone: Zone
    """The zone of the slips of terminals that are not listed."""
    end_of_day: tuple[time, time] | None
    """Local (WIB) time of day between which inquiries get 90; may cross midnight."""
    certificate_names: frozenset[str] = frozenset()
    """What the certificate of this bank's links may be called; empty is anything."""

    @property
    def requires_mac(self) -> bool:
        """Whether any of its terminals must send MACs."""
        listed = any(one.mac is MacPolicy.REQUIRED for one in self.terminals.values())
        return self.mac is MacPolicy.REQUIRED or listed


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchPolicy:
    """All of it."""

    acquirers: Mapping[AcquirerId, AcquirerPolicy]
    bad_frames_per_minute: int | None
    """Strikes that close a link; 0 never closes, ``None`` leaves it to the link's profile."""
    inquiries_per_card_per_hour: int
    """0 is no limit; more get 65."""
    inquiries_per_terminal_per_minute: int
    """0 is no limit; more get 65."""
    in_flight_max: int
    """Requests under way in this process; more get 91 at once."""
    echo_idle_seconds: float
    """After this silence of a link the switch sends its own 0800 echo; 0 never does."""
    echo_answer_seconds: float
    """An own echo unanswered for this long closes the link."""
    in_flight_per_terminal_max: int = 0
    """Requests of one terminal under way; more get 91 at once; 0 is no limit."""
    accrual: Accrual = Accrual.MONTHLY
    """How the running year's development is estimated."""
    refuses_known_keys: bool = False
    """True: a delivered key that is a publicly known test key is refused."""
