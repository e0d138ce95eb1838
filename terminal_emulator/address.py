"""Where the host listens, as the command line names it: ``127.0.0.1:8583``."""

import errno
import os
import re
from dataclasses import dataclass
from typing import Self

DEFAULT = "127.0.0.1:8583"


@dataclass(frozen=True, slots=True)
class Address:
    """A host name or number and a TCP port."""

    host: str
    port: int

    @classmethod
    def read(cls, text: str) -> Self:
        """Read ``HOST:PORT`` or ``[IPV6]:PORT``.  Raises ``ValueError``."""
        found = re.fullmatch(r"(?:\[([^\[\]\s]+)\]|([^:\[\]\s]+)):([0-9]{1,5})", text, re.ASCII)
        if found is None or not 0 < int(found[3]) < 65_536:
            message = "an address is HOST:PORT or [IPV6]:PORT, its port from 1 to 65535"
            raise ValueError(message)
        return cls(found[1] or found[2], int(found[3]))

    def __str__(self) -> str:
        """Write it as it is read."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def why_unreachable(address: Address, error: OSError) -> str:
    """Say in one sentence why nobody could be called there."""
    # For a name with several addresses asyncio joins the texts and leaves errno out.
    refused = f"[Errno {errno.ECONNREFUSED}]"
    if isinstance(error, ConnectionRefusedError) or refused in str(error):
        return f"nobody listens at {address}; start the switch with: atm-switch serve DIR"
    return f"{address} cannot be reached: {error.strerror or 'no way there'}"


def why_not_listening(address: Address, error: OSError, option: str) -> str:
    """Say in one sentence why nobody can be waited for there, and which option to change."""
    if error.errno == errno.EADDRINUSE:
        return f"another program listens at {address}; pass another {option}"
    why = os.strerror(error.errno) if error.errno else "no such address here"
    return f"{address} cannot be listened on: {why}; pass another {option}"
