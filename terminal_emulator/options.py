"""What a command line asked for, as values; light, because the help text needs it too."""

from dataclasses import dataclass
from pathlib import Path

from terminal_emulator.address import Address

DEFAULT_SECONDS = 30.0
"""How long an ATM waits for its host (domain.md 4.6)."""


@dataclass(frozen=True, slots=True)
class TerminalOptions:
    """Whom to call and as which terminal; ``None`` leaves it to the kit."""

    connect: Address
    kit: Path | None = None
    profile: str | None = None
    terminal: str | None = None
    acquirer: str | None = None
    channel: str | None = None
    timeout: float = DEFAULT_SECONDS
    tls_ca: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    as_json: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class InquiryOptions:
    """What to inquire; not printable, it holds a PAN and maybe a PIN."""

    pan: str
    pin: str | None
    kpj: str | None
    index: int
    language: str
    width: int
    no_sign_on: bool
    stan: int | None
    slip: Path | None
