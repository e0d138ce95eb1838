"""DE64 and DE128: where the MAC is in a message, and which bytes it covers.

The MAC covers the payload from the MTI up to the MAC itself, as received, without length
header or trailer (assumed; the profile says how).  It is the last element: DE128 where
the message has a secondary bitmap, else DE64.
Why bytes and not elements: what was authenticated is what came over the line, not what a
decoder made of it (security.md 0.2).
"""

from atm_switch.profile.model import Profile
from atm_switch.security.mac import MAC_BYTES
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager

MAC_ELEMENTS = MAC_PRIMARY, MAC_SECONDARY = 64, 128
_NO_MAC = "00" * MAC_BYTES


def mac_element(message: IsoMessage) -> int:
    """Return the number of the element in which ``message`` carries its MAC."""
    has_second = any(number > MAC_PRIMARY for number in message.elements)
    return MAC_SECONDARY if has_second else MAC_PRIMARY


def received_mac(message: IsoMessage) -> bytes | None:
    """Return the MAC of a message; ``None`` where it is missing, doubled or misplaced."""
    places = [number for number in MAC_ELEMENTS if number in message]
    if places != [mac_element(message)]:
        return None
    return bytes.fromhex(message[places[0]])


def mac_width(profile: Profile) -> int:
    """Count the bytes a MAC takes on the line."""
    return MAC_BYTES if profile.encoding.binary == "raw" else 2 * MAC_BYTES


def covered_by_mac(payload: bytes, profile: Profile) -> bytes:
    """Return what the MAC at the end of ``payload`` covers."""
    return payload[: -mac_width(profile)]


def to_be_authenticated(message: IsoMessage, packager: Packager) -> bytes:
    """Return the bytes whose MAC ``message`` shall carry; its own MAC, if any, is dropped.

    Raises ``ValueError`` for a message that cannot be packed.
    """
    bare = message.without(*MAC_ELEMENTS)
    whole = packager.pack(bare.with_element(mac_element(bare), _NO_MAC))
    return covered_by_mac(whole, packager.profile)


def spelled_mac(mac: bytes, profile: Profile) -> bytes:
    """Write a MAC as the profile writes binary elements, to be put behind what it covers."""
    if profile.encoding.binary == "raw":
        return mac
    return mac.hex().upper().encode(profile.encoding.text)
