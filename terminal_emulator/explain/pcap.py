"""TCP streams out of a packet capture: pcap and pcapng, IPv4 and IPv6.

Plan: packets of a capture, their TCP segments by direction, put together by sequence number.
What was sent twice counts once; what is missing ends one run of bytes and begins another,
and the place says so.
Limits: no fragments, no tunnels.  A capture cut off in its middle gives what came before.
Sources: pcap and pcapng file formats (IETF opsawg drafts), RFC 9293, RFC 791, RFC 8200.
"""

import struct
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import NamedTuple

_PCAP = {
    b"\xa1\xb2\xc3\xd4": ">", b"\xd4\xc3\xb2\xa1": "<",
    b"\xa1\xb2\x3c\x4d": ">", b"\x4d\x3c\xb2\xa1": "<",
}  # fmt: skip
_PCAPNG = b"\x0a\x0d\x0d\x0a"
_SECTION, _INTERFACE, _SIMPLE, _ENHANCED = 0x0A0D0D0A, 1, 3, 6
_LINK_HEADERS = {0: 4, 1: 14, 12: 0, 14: 0, 101: 0, 113: 16, 228: 0, 229: 0, 276: 20}
"""Bytes before the IP header by link type."""
_ETHERNET, _VLAN, _VLAN_BYTES = 1, b"\x81\x00", 4
_TCP = 6
_SYN = 0x02
_SEQUENCES = 1 << 32

_Direction = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Stream:
    """Bytes that went one way without a gap."""

    octets: bytes = field(repr=False)
    where: str


class _Segment(NamedTuple):
    source: str
    target: str
    sequence: int
    octets: bytes


def is_capture(given: bytes) -> bool:
    """Tell a capture by its first four bytes."""
    return given[:4] in _PCAP or given[:4] == _PCAPNG


def streams(given: bytes) -> list[Stream]:
    """Return the runs of bytes of every connection, in order of their first segment."""
    packets = _pcapng(given) if given[:4] == _PCAPNG else _pcap(given)
    directions: dict[_Direction, list[_Segment]] = defaultdict(list)
    for link_type, packet in packets:
        segment = _segment(link_type, packet)
        if segment is not None:
            directions[segment.source, segment.target].append(segment)
    return [one for ways, segments in directions.items() for one in _runs(ways, segments)]


def _pcap(given: bytes) -> Iterator[tuple[int, bytes]]:
    order = _PCAP.get(given[:4])
    if order is None or len(given) < 24:
        return
    link_type = struct.unpack_from(order + "I", given, 20)[0] & 0xFFFF
    at = 24
    while at + 16 <= len(given):
        kept = struct.unpack_from(order + "I", given, at + 8)[0]
        yield link_type, given[at + 16 : at + 16 + kept]
        at += 16 + kept


def _pcapng(given: bytes) -> Iterator[tuple[int, bytes]]:
    order, at = "<", 0
    interfaces: list[int] = []
    while at + 12 <= len(given):
        if given[at : at + 4] == _PCAPNG:
            order = ">" if given[at + 8 : at + 12] == b"\x1a\x2b\x3c\x4d" else "<"
            interfaces = []
        kind, length = struct.unpack_from(order + "II", given, at)
        if length < 12:
            return
        body = given[at + 8 : at + length - 4]
        if kind == _INTERFACE and len(body) >= 8:
            interfaces.append(struct.unpack_from(order + "H", body)[0])
        yield from _packet(kind, body, order, interfaces)
        at += length


def _packet(
    kind: int, body: bytes, order: str, interfaces: list[int]
) -> Iterator[tuple[int, bytes]]:
    if kind == _ENHANCED and len(body) >= 20:
        interface, _, _, kept = struct.unpack_from(order + "IIII", body)
        if interface < len(interfaces):
            yield interfaces[interface], body[20 : 20 + kept]
    elif kind == _SIMPLE and len(body) >= 4 and interfaces:
        yield interfaces[0], body[4 : 4 + struct.unpack_from(order + "I", body)[0]]


def _segment(link_type: int, packet: bytes) -> _Segment | None:
    at = _LINK_HEADERS.get(link_type)
    if at is None:
        return None
    if link_type == _ETHERNET:
        while packet[at - 2 : at] == _VLAN:
            at += _VLAN_BYTES
    version = packet[at] >> 4 if at < len(packet) else 0
    if version == 4:
        return _of_ip4(packet[at:])
    return _of_ip6(packet[at:]) if version == 6 else None


def _of_ip4(packet: bytes) -> _Segment | None:
    if len(packet) < 20 or packet[9] != _TCP:
        return None
    head, total = (packet[0] & 15) * 4, int.from_bytes(packet[2:4], "big")
    # A capture on the sending machine may have a length of 0: the card fills it in.
    return _of_tcp(packet[head : total or len(packet)], packet[12:16], packet[16:20])


def _of_ip6(packet: bytes) -> _Segment | None:
    if len(packet) < 40 or packet[6] != _TCP:
        return None
    total = int.from_bytes(packet[4:6], "big")
    return _of_tcp(packet[40 : 40 + total], packet[8:24], packet[24:40])


def _of_tcp(segment: bytes, source: bytes, target: bytes) -> _Segment | None:
    if len(segment) < 20:
        return None
    from_port, to_port, sequence = struct.unpack_from(">HHI", segment)
    head, flags = (segment[12] >> 4) * 4, segment[13]
    if flags & _SYN:
        sequence += 1
    return _Segment(
        _named(source, from_port), _named(target, to_port), sequence % _SEQUENCES, segment[head:]
    )


def _named(address: bytes, port: int) -> str:
    host = ip_address(address)
    return f"[{host}]:{port}" if host.version == 6 else f"{host}:{port}"


def _runs(ways: _Direction, segments: list[_Segment]) -> Iterator[Stream]:
    """Put the segments of one direction together; a gap ends a run."""
    first = segments[0].sequence
    # Places count from the first segment, across the wrap of the sequence numbers.
    placed = sorted(
        (((one.sequence - first + _SEQUENCES // 2) % _SEQUENCES) - _SEQUENCES // 2, one.octets)
        for one in segments
        if one.octets
    )
    where = f"{ways[0]} > {ways[1]}"
    run, ends = bytearray(), placed[0][0] if placed else 0
    for at, octets in placed:
        if at > ends:
            yield Stream(bytes(run), where)
            where = f"{ways[0]} > {ways[1]}, after {at - ends} bytes that were not captured"
            run, ends = bytearray(), at
        fresh = octets[ends - at :]
        run += fresh
        ends += len(fresh)
    if run:
        yield Stream(bytes(run), where)
