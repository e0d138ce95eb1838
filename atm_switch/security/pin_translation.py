"""PIN translation: a block under one key made into a block under another.

    from    to 0   to 1   to 3   to 4
    0, 3, 4  yes    no     yes    yes
    1        yes    no     yes    yes

Limits: formats 0, 1, 3 and 4 only; where the key belongs is the caller's to know.
Why so few: PCI PIN 3-3 and ANSI X9.8.  Format 1 holds no PAN, so a block made into it
could be made into a block of any other card; that is how PINs are searched for.  For the
same reason the functions here take one PAN: a change of it cannot be said.
"""

from collections.abc import Callable

from atm_switch.domain.card import Pan
from atm_switch.domain.secret import Key, PinBlock
from atm_switch.security.pin_formats import PinFormat, decipher_pin, encipher_pin

_TARGETS = frozenset({PinFormat.ZERO, PinFormat.THREE, PinFormat.FOUR})
ALLOWED = dict.fromkeys(PinFormat, _TARGETS)
"""Into which formats each may be made."""


def require_allowed(source: PinFormat, target: PinFormat) -> None:
    """Raise ``ValueError`` for a translation PCI PIN 3-3 does not allow."""
    if target not in ALLOWED[source]:
        message = f"a PIN block of format {source.value} is not made into format {target.value}"
        raise ValueError(message)


def translate(
    block: PinBlock,
    pan: Pan,
    source_key: Key,
    source_allowed: frozenset[PinFormat],
    target_key: Key,
    target_format: PinFormat,
    entropy: Callable[[int], bytes],
) -> str | None:
    """Decipher a block and encipher its PIN for the next link, as upper-case hex.

    ``None`` for a block that holds no PIN in an allowed format, whatever is wrong with
    it.  Raises ``ValueError``, without digits, for a translation that is not allowed from
    every one of ``source_allowed``, and for a block length or a key that cannot be used.
    """
    for source in source_allowed:
        require_allowed(source, target_format)
    pin = decipher_pin(block, pan, source_key, source_allowed)
    if pin is None:
        return None
    try:
        return encipher_pin(target_format, pin, pan, target_key, entropy)
    finally:
        pin.wipe()
