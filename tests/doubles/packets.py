"""Packets written by hand, for captures no program of ours has made."""

import struct
from collections.abc import Sequence
from ipaddress import ip_address

CLIENT, SERVER = ("10.0.0.1", 40_001), ("10.0.0.2", 8_583)

Peer = tuple[str, int]


def tcp_packet(
    octets: bytes, sequence: int, source: Peer = CLIENT, target: Peer = SERVER, flags: int = 0x18
) -> bytes:
    """One IP packet with one TCP segment; checksums are left 0, as offloading cards do."""
    segment = struct.pack(
        ">HHIIBBHHH", source[1], target[1], sequence, 0, 5 << 4, flags, 65_535, 0, 0
    )
    body = segment + octets
    hosts = ip_address(source[0]).packed + ip_address(target[0]).packed
    if len(hosts) == 8:
        head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, 6, 0)
    else:
        head = struct.pack(">IHBB", 6 << 28, len(body), 6, 64)
    return head + hosts + body


def ethernet(packet: bytes, vlan: int | None = None) -> bytes:
    """The packet in an Ethernet frame, tagged or not."""
    kind = b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\x00"
    tag = b"" if vlan is None else b"\x81\x00" + struct.pack(">H", vlan)
    return b"\x02" * 6 + b"\x04" * 6 + tag + kind + packet


def pcap(packets: Sequence[bytes], link_type: int = 101, order: str = "<") -> bytes:
    """A classic capture file."""
    head = struct.pack(order + "IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, link_type)
    return head + b"".join(
        struct.pack(order + "IIII", 1_750_000_000, at, len(one), len(one)) + one
        for at, one in enumerate(packets)
    )


def pcapng(packets: Sequence[bytes], link_type: int = 101) -> bytes:
    """A capture file of blocks."""

    def block(kind: int, body: bytes) -> bytes:
        body += b"\0" * (-len(body) % 4)
        length = struct.pack("<I", len(body) + 12)
        return struct.pack("<I", kind) + length + body + length

    blocks = [
        block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)),
        block(1, struct.pack("<HHI", link_type, 0, 65_535)),
        *(block(6, struct.pack("<IIIII", 0, 0, 0, len(p), len(p)) + p) for p in packets),
    ]
    return b"".join(blocks)
