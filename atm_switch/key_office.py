"""What an officer does with the keys of a line: form, draw, export, import, install, list.

Plan: each function is one change of the sealed key file with its audit record, the record
first.  What comes back is check values and key blocks, never a key.
Limits: keys are formed, drawn and opened here with software keys only; with a hardware
HSM that is done at the HSM, and the result installed.  A running switch takes a change up
with SIGHUP or its next start.
"""

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from atm_switch.adapters.audit_book import write_record
from atm_switch.adapters.clock import utc_now
from atm_switch.adapters.software_hsm import SoftwareHsm, wrapped
from atm_switch.domain.errors import NeighbourUnavailable, Refused
from atm_switch.domain.secret import Key
from atm_switch.engine import open_engine
from atm_switch.folder import DataFolder, command_actor
from atm_switch.line_keys import key_algorithm, line_profile
from atm_switch.security.components import combine
from atm_switch.security.key_block import KeyBlockError
from atm_switch.security.key_ring import KeyName, KeyUsage, Ladder, LineKey
from atm_switch.security.key_rules import why_not
from atm_switch.security.vault import Entropy, Vault, fresh_line_key
from atm_switch.settings.sections import Acquirer
from atm_switch.switch.hsm_port import ImportKey, KeyRefused
from atm_switch.switch.ports import AuditRecord

IN_USE = "in use, card key"
"""How a switch begins to tell the audit which keys it has read; the card key's id follows."""


@dataclass(frozen=True, slots=True)
class KeyLine:
    """One key of a list: its name, algorithm, check value, custody and state."""

    name: str
    algorithm: str
    check: str
    custody: str
    state: str


def list_keys(vault: Vault) -> Iterator[KeyLine]:
    """List every key of the lines, by name; of a ladder both."""
    for name, ladder in sorted(vault.keys.items(), key=lambda item: str(item[0])):
        yield _line(name, ladder.in_use, "in use")
        if ladder.other is not None:
            yield _line(name, ladder.other, _state_of_other(ladder))
        if ladder.spare is not None:
            yield _line(
                name, ladder.spare, "of a change never heard of again, until a message comes"
            )


def form_exchange_key(
    folder: DataFolder, name: KeyName, components: Sequence[Key], algorithm: str
) -> LineKey:
    """Make an exchange key of its components.  Raises ``Refused`` for what cannot be one."""
    require_software(folder, "form the key at the HSM")
    try:
        key = LineKey.clear(combine(components, algorithm), algorithm)
    except ValueError as error:
        raise Refused(f"{error}; begin the ceremony anew") from None
    _replace(folder, name, key, f"formed of {len(components)} components")
    return key


def draw_key(folder: DataFolder, name: KeyName, entropy: Entropy) -> LineKey:
    """Draw a fresh key in place of the one there is, without any overlap.

    Raises ``Refused`` for a bank that is not there.
    """
    require_software(folder, "make the key at the HSM")
    algorithm = key_algorithm(name.usage, line_profile(bank_named(folder, name), folder))
    key = fresh_line_key(algorithm, entropy)
    _replace(folder, name, key, "drawn")
    return key


def export_key(folder: DataFolder, name: KeyName, entropy: Entropy) -> tuple[str, str]:
    """Return a key's check value and its key block under the line's exchange key."""
    require_software(folder, "export the key at the HSM")
    vault = folder.vault()
    ladder = vault.keys.get(name)
    if ladder is None:
        raise Refused(f"there is no key {name}; see atm-switch keys list")
    key, exchange = ladder.in_use, _exchange_key(vault, name)
    try:
        text = wrapped(key, name.usage, exchange, entropy)
    except KeyBlockError as error:
        raise Refused(str(error)) from None
    record(folder, AuditRecord("key change", command_actor(), str(name), f"exported, {key.check}"))
    return key.check, text


def import_key(folder: DataFolder, name: KeyName, block: str, check: str) -> LineKey:
    """Take a key that came in a key block; ``check`` is its check value, if it came too.

    The key in use before stays good until the first message under the new one, as in a
    key change over the line.  Raises ``Refused``.
    """
    require_software(folder, "import the key at the HSM")
    algorithm = key_algorithm(name.usage, line_profile(bank_named(folder, name), folder))
    exchange = _exchange_key(folder.vault(), name)
    try:
        key = SoftwareHsm(os.urandom).import_key(ImportKey(exchange, block, name.usage, algorithm))
    except KeyRefused as error:
        raise Refused(f"{error}; ask the bank for the block again") from None
    if check and check.upper() != key.check:
        raise Refused(f"the key has the check value {key.check}, not the one given")
    _require_allowed(folder, name, key)

    def change(vault: Vault) -> Vault:
        held = vault.keys.get(name)  # a terminal's first own key comes by hand, not over the line
        return vault.with_ladder(name, held.received(key) if held else Ladder(key))

    _change(folder, name, change, f"imported, check value {key.check}")
    return key


def install_key(folder: DataFolder, name: KeyName, key: LineKey) -> bool:
    """Take a key as the hardware HSM gave it out: under its master key, with its check value.

    Tells whether the HSM itself was asked; one that is away is not, and is at the next
    start.  Raises ``Refused`` where the engine is not the hardware's, or the HSM says that
    the token is no key of its own, or another.
    """
    if folder.settings.hsm.engine != "host":
        raise Refused('keys under a master key are for [hsm] engine = "host"; set it first')
    check = asyncio.run(_check_at_hardware(folder, name, key))
    if check and check[: len(key.check)].upper() != key.check[: len(check)].upper():
        raise Refused(f"the token has the check value {check} at the HSM, not {key.check}")
    _replace(folder, name, key, "installed")
    return bool(check)


async def _check_at_hardware(folder: DataFolder, name: KeyName, key: LineKey) -> str:
    engine = await open_engine(folder, lambda _event, _fields: None)
    try:
        return await engine.check_value(key, name.usage) if engine.check_value else ""
    except KeyRefused as refused:
        raise Refused(f"{refused}; was it made for this HSM and this use?") from None
    except NeighbourUnavailable:
        return ""
    finally:
        await engine.close()


def bank_named(folder: DataFolder, name: KeyName) -> Acquirer:
    """Return the settings of the bank whose key it is.  Raises ``Refused`` for a stranger."""
    for bank in folder.settings.acquirers:
        if name.acquirer is not None and bank.id == name.acquirer.text:
            return bank
    there = ", ".join(bank.id for bank in folder.settings.acquirers)
    raise Refused(f"there is no such acquirer; there are: {there}")


def keys_in_use(vault: Vault, why: str) -> str:
    """Say for the audit that these keys are in use, and under which card key cards are sought."""
    return f"{IN_USE} {vault.card_key_ids[0]} ({why})"


def record_command(folder: DataFolder, subject: str, detail: str) -> None:
    """Tell the audit of a command that changed something.  Raises what ``write_record`` does."""
    record(folder, AuditRecord("command", command_actor(), subject, detail))


def _line(name: KeyName, key: LineKey, state: str) -> KeyLine:
    custody = "clear, sealed in the key file" if key.is_clear else "under the HSM's master key"
    return KeyLine(str(name), {"T": "TDES", "A": "AES"}[key.algorithm], key.check, custody, state)


def _state_of_other(ladder: Ladder) -> str:
    if ladder.is_coming:
        return "offered, not used by the peer yet"
    if ladder.until is None:
        return "the one before, until a message under the new one comes"
    return f"the one before, until {ladder.until:%Y-%m-%d %H:%M:%S} UTC"


def _replace(folder: DataFolder, name: KeyName, key: LineKey, how: str) -> None:
    if name.usage is not KeyUsage.PVK:
        bank_named(folder, name)
    _require_allowed(folder, name, key)
    detail = f"{how}, check value {key.check}"
    _change(folder, name, lambda vault: vault.with_key(name, key), detail)


def _change(
    folder: DataFolder, name: KeyName, change: Callable[[Vault], Vault], detail: str
) -> None:
    # The record first: no change of a key without one.
    record(folder, AuditRecord("key change", command_actor(), str(name), detail))
    folder.change_keys(change)


def record(folder: DataFolder, told: AuditRecord) -> None:
    """Write one audit record.  Raises what ``write_record`` does."""
    write_record(folder.journal_place, folder.vault(), utc_now, os.urandom, told)


def require_software(folder: DataFolder, instead: str) -> None:
    """Raise ``Refused``, saying what to do instead, where keys are a hardware HSM's affair."""
    engine = folder.settings.hsm.engine
    if engine == "host":
        raise Refused(f"{instead}, then: atm-switch keys install")
    if engine == "none":
        raise Refused('there is no HSM to keep keys in; set [hsm] engine = "host" first')


def _require_allowed(folder: DataFolder, name: KeyName, key: LineKey) -> None:
    is_strict = folder.settings.mode == "production"
    reason = why_not(key, name, folder.vault(), refuses_known=is_strict)
    if reason is not None:
        raise Refused(f"{reason} (check value {key.check}); take another")


def _exchange_key(vault: Vault, name: KeyName) -> LineKey:
    if name.acquirer is None:
        raise Refused("only a bank's keys travel under its exchange key")
    found = vault.ladder(KeyUsage.EXCHANGE, name.acquirer, name.terminal)
    if found is None:
        raise Refused("the line has no exchange key; form one with: atm-switch keys ceremony")
    return found[1].in_use
