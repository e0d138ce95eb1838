"""What a listening socket is told: where, in which dialect, for whom, and how secured."""

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

from atm_switch.domain.identifiers import AcquirerId
from atm_switch.server.tls import TlsFiles
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
    tls: TlsFiles | None = None
    """``None``: bytes as they are."""
    allow: tuple[IPv4Network | IPv6Network, ...] = ()
    """Where peers may come from; empty is anywhere."""

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
