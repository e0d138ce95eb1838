"""The bounds of lines and of the server, as values."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LineLimits:
    """Bounds of one link.  Seconds and bytes."""

    idle_seconds_max: float
    frame_seconds_max: float
    """From the first byte of a frame to its last."""
    in_flight_per_link_max: int
    write_buffer_bytes_max: int
    handshake_seconds_max: float = 5.0
    """From the connection to the end of its TLS handshake."""
    shutdown_seconds_max: float = 2.0
    """From our hanging up until the peer has taken what was still on its way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLimits:
    """Bounds of all links together."""

    connections_max: int
    connections_per_peer_max: int
    drain_seconds_max: float
    line: LineLimits
    requests_max: int = 2048
    """Under way on all links together, declined ones too; beyond, a link may have one."""
