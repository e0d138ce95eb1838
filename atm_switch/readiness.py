"""What must be true before a switch takes its first connection: keys there and usable.

Each sentence says what to do.  A line that would answer 63 or 91 to everything is refused
at start instead.
"""

from collections.abc import Iterator

from atm_switch.adapters.clock import utc_now
from atm_switch.domain.errors import Refused
from atm_switch.domain.identifiers import AcquirerId
from atm_switch.folder import DataFolder
from atm_switch.line_keys import key_algorithm, line_profile, needed_usages
from atm_switch.messages.authentication import MAC_ELEMENTS
from atm_switch.security.key_ring import KeyName, KeyUsage, LineKey
from atm_switch.security.known_keys import is_publicly_known
from atm_switch.security.vault import Vault
from atm_switch.settings.sections import Acquirer


def refuse_what_cannot_work(folder: DataFolder, vault: Vault) -> None:
    """Raise ``Refused`` with everything that is missing, a line each."""
    problems = [
        *_missing_keys(folder, vault),
        *_unusable_keys(folder, vault),
        *_macs_without_place(folder),
    ]
    if problems:
        raise Refused("\n".join(problems))


def _missing_keys(folder: DataFolder, vault: Vault) -> Iterator[str]:
    make = "make one with: atm-switch acquirer add"
    if folder.settings.hsm.engine == "host":
        make = "install one with: atm-switch keys install"
    for bank in folder.settings.acquirers:
        for usage in needed_usages(bank, folder):
            owned = [name for name in vault.keys if name.acquirer == AcquirerId(bank.id)]
            if not any(name.usage is usage for name in owned):
                policy = 'pin = "issuer"' if usage is KeyUsage.PIN else 'mac = "required"'
                yield f"acquirer {bank.id} has {policy} but no {usage.value.upper()} key; {make}"


def _unusable_keys(folder: DataFolder, vault: Vault) -> Iterator[str]:
    used = {
        name: ladder.in_use
        for bank in folder.settings.acquirers
        for name, ladder in vault.keys.items()
        if _is_used(name, bank, folder)
    }
    for name, key in used.items():
        yield from _wrong_custody(name, key, folder)
        # Those of a change too: a message under the one before is taken as well.
        known = any(is_publicly_known(one.check) for one in vault.keys[name].candidates(utc_now()))
        if folder.settings.mode == "production" and known:
            yield f"the key {name} is a publicly known test key; replace it before production"
    for bank in folder.settings.acquirers:
        profile = line_profile(bank, folder)
        for name, key in used.items():
            algorithm = key_algorithm(name.usage, profile)
            is_line_key = name.usage in (KeyUsage.PIN, KeyUsage.MAC)
            if is_line_key and name.acquirer == AcquirerId(bank.id) and key.algorithm != algorithm:
                yield (
                    f"the key {name} is not of the algorithm profile {profile.name} needs; "
                    "replace it with: atm-switch keys generate"
                )


def _is_used(name: KeyName, bank: Acquirer, folder: DataFolder) -> bool:
    if name.usage is KeyUsage.PVK:
        return bank.pin == "issuer"
    needed = needed_usages(bank, folder)
    is_own = name.acquirer == AcquirerId(bank.id)
    return is_own and (name.usage in needed or (name.usage is KeyUsage.EXCHANGE and bool(needed)))


def _wrong_custody(name: KeyName, key: LineKey, folder: DataFolder) -> Iterator[str]:
    engine = folder.settings.hsm.engine
    if engine == "host" and key.is_clear:
        yield f"the key {name} is in the clear; install it with: atm-switch keys install"
    if engine == "software" and not key.is_clear:
        yield f'the key {name} is under an HSM\'s master key; set [hsm] engine = "host"'


def _macs_without_place(folder: DataFolder) -> Iterator[str]:
    for bank in folder.settings.acquirers:
        if KeyUsage.MAC not in needed_usages(bank, folder):
            continue
        profile = line_profile(bank, folder)
        if missing := sorted(set(MAC_ELEMENTS) - profile.elements.keys()):
            yield (
                f'acquirer {bank.id} has mac = "required" but profile {profile.name} has no '
                f"element {missing[0]}; add it to [elements]"
            )
