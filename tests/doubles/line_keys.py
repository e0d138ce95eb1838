"""Line keys put into a vault and taken out of it, as most tests need them."""

from atm_switch.domain.identifiers import AcquirerId, TerminalId
from atm_switch.domain.secret import Key
from atm_switch.security.key_ring import KeyName, KeyUsage, LineKey
from atm_switch.security.vault import Vault


def with_pin_key(
    vault: Vault, acquirer: AcquirerId, terminal: TerminalId | None, key: Key
) -> Vault:
    """Return the vault with a PIN key in the clear."""
    return vault.with_key(KeyName(KeyUsage.PIN, acquirer, terminal), LineKey.clear(key))


def pin_key(vault: Vault, acquirer: AcquirerId, terminal: TerminalId) -> Key | None:
    """Return the PIN key in use for a terminal."""
    found = vault.ladder(KeyUsage.PIN, acquirer, terminal)
    return found[1].in_use.token if found else None
