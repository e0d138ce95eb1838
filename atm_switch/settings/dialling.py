"""``[[lines]]``: where a bank listens and this switch connects, instead of the other way round.

Plan: as with listeners, TLS with certificates on both sides wherever the bank is on another
machine; without it only on loopback, or where ``plaintext`` says so.
Limits: the files are read by whoever connects, anew each time.
"""

from collections.abc import Iterator, Sequence

from pydantic import Field

from atm_switch.settings.lines import Place
from atm_switch.settings.section import Section
from atm_switch.settings.sections import Acquirer, Terminal
from atm_switch.settings.shapes import AcquirerText, Address, FilePath, is_loopback, split_address

LINE_TLS_KEYS = ("tls_ca", "tls_certificate", "tls_key")

Doubt = tuple[Place, str]
"""Where something is wrong, and what."""


class OutgoingLine(Section):
    """One address of a bank, and how this switch keeps connected to it."""

    connect: Address = Field(
        description="HOST:PORT where the bank listens", examples=["127.0.0.1:8600"]
    )
    acquirer: AcquirerText = Field(
        description="the bank it belongs to: the switch signs on there, DE32 is this id",
        examples=["009"],
    )
    profile: FilePath = Field(
        default="bpjstk-jht-v1",
        description="the dialect: one that ships (atm-switch profile list), or the path of "
        "a profile file relative to this folder",
    )
    connections: int = Field(
        default=1,
        ge=1,
        le=16,
        description="connections kept up to it at once; a second table is a second address",
    )
    echo_idle_seconds: float | None = Field(
        default=None,
        gt=0,
        le=86_400,
        description="silence after which the switch sends an echo here, less than the bank "
        "waits before it hangs up; leave out to take that of [limits]",
        examples=[30.0],
    )
    connect_seconds_max: float = Field(
        default=5, gt=0, le=60, description="time in which the bank must take a connection"
    )
    reconnect_seconds_max: float = Field(
        default=30,
        gt=0,
        le=3600,
        description="longest pause between two attempts; the first is a tenth of a second",
    )
    tls_ca: str = Field(
        default="",
        description="PEM file with the CA of the bank's certificate, which must name the host in "
        'connect; with the next two it makes TLS the only way there, "" is without TLS',
    )
    tls_certificate: str = Field(
        default="", description="PEM file with the certificate this switch shows the bank"
    )
    tls_key: str = Field(
        default="", description="PEM file with the certificate's key, not enciphered, mode 0600"
    )
    plaintext: bool = Field(
        default=False, description="true: connect to another machine without TLS"
    )

    @property
    def has_tls(self) -> bool:
        """Whether the bank is reached by TLS."""
        return all(getattr(self, key) for key in LINE_TLS_KEYS)

    @property
    def host(self) -> str:
        """The host part of ``connect``, without brackets."""
        return split_address(self.connect)[0]

    @property
    def port(self) -> int:
        """The port part of ``connect``."""
        return split_address(self.connect)[1]

    @property
    def is_exposed(self) -> bool:
        """Whether another machine is reached without TLS."""
        return not self.has_tls and not is_loopback(self.host)


def lines_of(lines: Sequence[OutgoingLine], number: int, count: int) -> list[OutgoingLine]:
    """Return what worker ``number`` of ``count`` dials, from 1: one for each connection."""
    wanted = [line for line in lines for _ in range(line.connections)]
    return wanted[number - 1 :: count]


def line_doubts(lines: Sequence[OutgoingLine]) -> Iterator[Doubt]:
    """Name what makes no sense in ``[[lines]]``."""
    seen: list[tuple[str, str]] = []
    for at, line in enumerate(lines):
        if not line.port:
            yield ("lines", at, "connect"), "has no port; write the one the bank listens on"
        if (line.connect, line.acquirer) in seen:
            text = "is there twice; set connections in one of them and take the other out"
            yield ("lines", at, "connect"), text
        seen.append((line.connect, line.acquirer))
        yield from _half_secured(at, line)


def unproven_lines(
    lines: Sequence[OutgoingLine], acquirers: Sequence[Acquirer], terminals: Sequence[Terminal]
) -> Iterator[Doubt]:
    """Name every line of a production switch on which nobody proves anything.

    Whose line it is does not matter: a sign-on may name any bank (DE32).
    """
    silent = [one.id for one in acquirers if one.mac == "off"]
    silent += [one.acquirer for one in terminals if one.mac == "off"]
    for at, line in enumerate(lines):
        if line.is_exposed and silent:
            text = (
                f"takes any machine there for acquirer {silent[0]}, which sends no MAC: in "
                'production set tls_ca, tls_certificate and tls_key, or mac = "required"'
            )
            yield ("lines", at, "plaintext"), text


def _half_secured(at: int, line: OutgoingLine) -> Iterator[Doubt]:
    given = [key for key in LINE_TLS_KEYS if getattr(line, key)]
    missing = [key for key in LINE_TLS_KEYS if key not in given]
    if given and missing:
        text = f"needs {' and '.join(missing)} as well; TLS takes all three or none"
        yield ("lines", at, given[0]), text
    elif given and line.plaintext:
        yield ("lines", at, "plaintext"), "is of no use beside TLS; take it out"
    elif line.is_exposed and not line.plaintext:
        text = (
            "is another machine, reached without TLS; set tls_ca, tls_certificate and tls_key, "
            "or plaintext = true"
        )
        yield ("lines", at, "connect"), text
