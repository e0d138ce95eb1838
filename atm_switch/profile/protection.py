"""What a profile says of MAC, PIN block and keys: whether it can be, and in words."""

import re
from collections.abc import Iterator

from atm_switch.profile.model import Profile

MAC_ALGORITHMS = ("x9.19", "aes-cmac")
PIN_BLOCK_FORMATS = ("0", "1", "3", "4")
KEY_LAYOUTS = ("check+block", "block+check", "block")
KEY_ELEMENT_LENGTH = 400
"""A key block of the longest key here, and its check value."""


def pin_block_bytes(profile: Profile) -> int:
    """Return the bytes of DE52: one block of TDES, or one of AES for format 4."""
    return 16 if "4" in profile.security.pin_block_formats else 8


def unprotected(profile: Profile) -> Iterator[str]:
    """Name everything in ``[security]`` that cannot be."""
    rules = profile.security
    if rules.mac_algorithm not in MAC_ALGORITHMS:
        yield f"security.mac_algorithm must be one of {', '.join(MAC_ALGORITHMS)}"
    formats = rules.pin_block_formats
    if not formats or not set(formats) <= set(PIN_BLOCK_FORMATS):
        yield f"security.pin_block_formats may hold {', '.join(PIN_BLOCK_FORMATS)}"
    if "4" in formats and len(set(formats)) > 1:
        yield "security.pin_block_formats: 4 has 16 bytes and stands alone"
    yield from _key_codes(profile)
    if rules.key_layout not in KEY_LAYOUTS:
        yield f"security.key_layout must be one of {', '.join(KEY_LAYOUTS)}"
    if rules.key_overlap_seconds < 0:
        yield "security.key_overlap_seconds must be 0 or more"
    element = profile.elements.get(rules.key_element)
    if element is None or element.content != "ans" or element.longest < KEY_ELEMENT_LENGTH:
        yield f"security.key_element must be of class ans and hold {KEY_ELEMENT_LENGTH} characters"


def _key_codes(profile: Profile) -> Iterator[str]:
    rules, network = profile.security, profile.network
    codes = (rules.key_request, *rules.key_delivery)
    others = (network.sign_on, network.sign_off, network.echo, network.cut_over)
    if not rules.key_delivery or not all(re.fullmatch(r"[0-9]{3}", code) for code in codes):
        yield "security.key_request and key_delivery must hold codes of three digits"
    if len(set(codes)) < len(codes) or set(codes) & set(others):
        yield "security.key_request and key_delivery must differ from each other and [network]"


def protection_lines(profile: Profile) -> Iterator[str]:
    """Say it in words, for the interface sheet."""
    rules = profile.security
    yield (
        f"- MAC ({rules.mac_algorithm}), where agreed: DE64, or DE128 where there is a secondary "
        "bitmap; the last element; over the MTI up to the MAC, without the length header"
    )
    yield f"- DE52: ISO 9564 format {', '.join(rules.pin_block_formats)}"
    yield f"- DE70 {rules.key_request}: change key; the receiver delivers new keys"
    yield (
        f"- DE70 {', '.join(rules.key_delivery)}: new key, in DE{rules.key_element:03d} as "
        f"{rules.key_layout} (X9.143 key block, versions B and D)"
    )
    yield "- DE41 in either: the terminal's own key, where it is listed or has one, not its bank's"
    yield (
        f"- the old key is taken for {rules.key_overlap_seconds} s after the first message "
        "under the new one"
    )
