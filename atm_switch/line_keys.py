"""The keys of a bank's line, and the kit that carries them to its lab's terminals.

Plan: a bank is given what its policy needs - a PIN key where PINs are verified here, a MAC
key where MACs are required, and the exchange key under which both can be changed.
Limits: software keys in the clear go into a kit in lab mode only; with a hardware HSM keys
are made there and installed with ``atm-switch keys install``.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from atm_switch.domain.identifiers import AcquirerId, TerminalId
from atm_switch.folder import DataFolder, profile_of, write_private
from atm_switch.profile.model import Profile
from atm_switch.security.key_ring import TDES, KeyName, KeyUsage
from atm_switch.security.vault import Entropy, Vault, fresh_line_key
from atm_switch.settings.sections import Acquirer

LAB_ACQUIRER = "009"
KIT_FILE = "terminal-kit.json"

_KIT_SCHEMA = 1
_KIT_TERMINAL = "S1ABC123"
_KIT_ACCEPTORS = {LAB_ACQUIRER: "BNI000000000001"}
_KIT_LOCATION = "ATM KC HARMONI        JAKARTA       ID  "


def needed_usages(acquirer: Acquirer, folder: DataFolder) -> tuple[KeyUsage, ...]:
    """Tell which keys a bank's policy needs, the exchange key not counted."""
    terminals = [one for one in folder.settings.terminals if one.acquirer == acquirer.id]
    needs_mac = "required" in (acquirer.mac, *(one.mac for one in terminals))
    pin = (KeyUsage.PIN,) if acquirer.pin == "issuer" else ()
    return (*pin, *((KeyUsage.MAC,) if needs_mac else ()))


def missing_usages(acquirer: Acquirer, folder: DataFolder, vault: Vault) -> tuple[KeyUsage, ...]:
    """Tell which of them the bank as such does not have yet."""
    bank = AcquirerId(acquirer.id)
    usages = needed_usages(acquirer, folder)
    return tuple(usage for usage in usages if KeyName(usage, bank) not in vault.keys)


def with_fresh_keys(
    vault: Vault, acquirer: Acquirer, folder: DataFolder, entropy: Entropy
) -> Vault:
    """Draw whatever keys a bank still needs, and the key to change them with."""
    bank, profile = AcquirerId(acquirer.id), line_profile(acquirer, folder)
    usages = missing_usages(acquirer, folder, vault)
    if usages and KeyName(KeyUsage.EXCHANGE, bank) not in vault.keys:
        usages = (*usages, KeyUsage.EXCHANGE)
    for usage in usages:
        key = fresh_line_key(key_algorithm(usage, profile), entropy)
        vault = vault.with_key(KeyName(usage, bank), key)
    return vault


def line_profile(acquirer: Acquirer, folder: DataFolder) -> Profile:
    """Load the dialect a bank's terminals speak: its own listener's or line's, else the first's."""
    return profile_of(_dialect_of(acquirer, folder), folder.root)


def _dialect_of(acquirer: Acquirer, folder: DataFolder) -> str:
    ways = folder.settings.ways
    return next((one for one in ways if one.acquirer == acquirer.id), ways[0]).profile


def key_algorithm(usage: KeyUsage, profile: Profile) -> str:
    """Return ``T`` or ``A``: what a key of this use must be in this dialect."""
    rules = profile.security
    by_usage = {KeyUsage.PIN: rules.pin_key_algorithm, KeyUsage.MAC: rules.mac_key_algorithm}
    # An exchange key must be as strong as what it carries: AES carries both.
    return by_usage.get(usage, max(by_usage.values(), key=lambda one: one != TDES))


def write_kit(
    folder: DataFolder, acquirer: Acquirer, vault: Vault, terminal: str | None = None
) -> Path:
    """Write what a terminal of this bank's lab needs, mode 0600; return where.

    The first bank's kit is ``terminal-kit.json``, another's ``terminal-kit-ID.json``; a
    terminal with keys of its own gets one with its name.
    """
    is_first = acquirer.id == folder.settings.acquirers[0].id
    parts = ["terminal-kit", *([] if is_first else [acquirer.id])]
    parts += [re.sub("[^0-9A-Za-z]", "_", terminal)] if terminal else []
    path = folder.root / ("-".join(parts) + ".json")
    kit: dict[str, str | int] = {
        "schema": _KIT_SCHEMA,
        "profile": _dialect_of(acquirer, folder),
        "acquirer": acquirer.id,
        "terminal": terminal or _KIT_TERMINAL,
        "card_acceptor": _KIT_ACCEPTORS.get(acquirer.id, f"BANK{acquirer.id:0>11}"),
        "location": _KIT_LOCATION,
        "channel": acquirer.channels[0],
        "zone": acquirer.zone,
    }
    own = TerminalId(terminal) if terminal else None
    if own is not None:
        kit["keys_of"] = "terminal"
    kit |= dict(_kit_keys(vault, AcquirerId(acquirer.id), own))
    path.unlink(missing_ok=True)
    write_private(path, json.dumps(kit, indent=2) + "\n")
    return path


def _kit_keys(
    vault: Vault, acquirer: AcquirerId, terminal: TerminalId | None
) -> Iterator[tuple[str, str]]:
    for usage in (KeyUsage.PIN, KeyUsage.MAC, KeyUsage.EXCHANGE):
        found = vault.ladder(usage, acquirer, terminal)
        if found is not None and found[1].in_use.is_clear:
            yield f"{usage.value}_key", found[1].in_use.token.reveal().hex().upper()
            yield f"{usage.value}_key_check", found[1].in_use.check
