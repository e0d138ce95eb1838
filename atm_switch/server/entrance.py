"""What a listening socket is told: where, in which dialect, for which acquirer."""

from dataclasses import dataclass

from atm_switch.domain.identifiers import AcquirerId
from atm_switch.switch.session import Dialect


@dataclass(frozen=True, slots=True)
class Entrance:
    """One address that terminals and banks connect to."""

    host: str
    port: int
    """0 lets the system choose."""
    dialect: Dialect
    acquirer: AcquirerId | None
    """Whose link it is where a sign-on does not say so in DE32."""
