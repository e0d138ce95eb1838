"""``[[listeners]]``: one address the banks connect to, and who is let in there.

Plan: TLS with certificates on both sides wherever other machines connect; without it only
on loopback, or where ``plaintext`` says so.
Limits: what one value says of another is judged in ``settings/model.py``; the files are
read by whoever listens.
"""

from ipaddress import IPv4Network, IPv6Network, ip_network

from pydantic import Field

from atm_switch.settings.section import Section
from atm_switch.settings.shapes import (
    AcquirerText,
    Address,
    FilePath,
    NetworkText,
    is_loopback,
    split_address,
)

TLS_KEYS = ("tls_certificate", "tls_key", "tls_client_ca")


class Listener(Section):
    """One address the banks connect to, and the dialect spoken there."""

    listen: Address = Field(
        default="127.0.0.1:8583",
        description="HOST:PORT; port 0 takes any free one, IPv6 is written [::1]:8583",
    )
    profile: FilePath = Field(
        default="bpjstk-jht-v1",
        description="the dialect: one that ships (atm-switch profile list), or the path of "
        "a profile file relative to this folder",
    )
    acquirer: AcquirerText | None = Field(
        default=None,
        description="the bank that signs on here without DE32; leave out to take the only "
        "bank there is",
        examples=["009"],
    )
    tls_certificate: str = Field(
        default="",
        description="PEM file with this switch's certificate (and intermediates), relative to "
        'this folder; with the next two it makes TLS the only way in, "" is without TLS',
    )
    tls_key: str = Field(
        default="", description="PEM file with the certificate's key, not enciphered, mode 0600"
    )
    tls_client_ca: str = Field(
        default="",
        description="PEM file with the CA that issues the banks' certificates; nobody "
        "connects without one of them",
    )
    tls_crl: str = Field(
        default="",
        description="PEM file with the revocation lists of that CA: a certificate on them is "
        "hung up on; read anew by SIGHUP, which takes none that is out of date: nobody comes in "
        'by one; "" is without',
    )
    plaintext: bool = Field(
        default=False, description="true: allow connections without TLS from other machines"
    )
    allow: tuple[NetworkText, ...] = Field(
        default=(),
        description='networks that may connect, e.g. ["10.1.2.0/24", "10.9.8.7"]; others are '
        "hung up on; empty is everyone",
    )

    @property
    def has_tls(self) -> bool:
        """Whether TLS is the way in."""
        return all(getattr(self, key) for key in TLS_KEYS)

    @property
    def is_exposed(self) -> bool:
        """Whether other machines reach it without TLS."""
        return not self.has_tls and not is_loopback(self.host)

    @property
    def networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """What ``allow`` says, as values."""
        return tuple(ip_network(one) for one in self.allow)

    @property
    def host(self) -> str:
        """The host part of ``listen``, without brackets."""
        return split_address(self.listen)[0]

    @property
    def port(self) -> int:
        """The port part of ``listen``; 0 for any."""
        return split_address(self.listen)[1]
