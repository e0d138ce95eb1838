"""Where lines come from: an address that is listened on, or one that is dialled."""

import itertools
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

from atm_switch.domain.identifiers import AcquirerId
from atm_switch.server.tls import TlsFiles
from atm_switch.switch.session import Dialect

LINKS = itertools.count(1)
"""Names for links, for the core: numbers that no two connections of a process share."""


def shown(host: str, port: int) -> str:
    """Write an address, an IPv6 host in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@dataclass(frozen=True, slots=True)
class Entrance:
    """One address that terminals and banks connect to, or where a bank waits for us."""

    host: str
    port: int
    """0 lets the system choose."""
    dialect: Dialect
    acquirer: AcquirerId | None
    """Whose link it is where a sign-on does not say so in DE32."""
    tls: TlsFiles | None = None
    """``None``: bytes as they are."""
    allow: tuple[IPv4Network | IPv6Network, ...] = ()
    """Where peers may come from; empty is anywhere."""

    is_ours: bool = False
    """The switch dials it: it signs on there itself, whatever else is connected."""
    elsewhere: int = 0
    """How many links the peer has to other processes of this switch."""
    echo_idle_seconds: float | None = None
    """Silence after which we echo there; ``None``: as everywhere."""

    @property
    def address(self) -> str:
        """The address as ``HOST:PORT``, an IPv6 host in brackets."""
        return shown(self.host, self.port)

    def lets_in(self, host: str) -> bool:
        """Tell whether a peer at the IP address ``host`` may connect at all."""
        if not self.allow:
            return True
        try:
            address = ip_address(host)
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self.allow)
