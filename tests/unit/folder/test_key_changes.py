"""Claims about what another process changed in a vault, put into one that changed meanwhile."""

from dataclasses import replace
from itertools import count

import pytest

from atm_switch.domain.identifiers import AcquirerId, TerminalId
from atm_switch.domain.secret import Key
from atm_switch.key_reading import changes, is_same_house, merged, rungs
from atm_switch.security.key_ring import KeyName, KeyUsage, Ladder
from atm_switch.security.vault import KEY_BYTES, Vault, fresh_line_key
from tests.doubles.memory import CountedEntropy

MAC = KeyName(KeyUsage.MAC, AcquirerId("009"))
PIN = replace(MAC, usage=KeyUsage.PIN)
OWN = replace(MAC, terminal=TerminalId("S1ABC123"))
ENTROPY = CountedEntropy()
KEYS = [fresh_line_key("T", ENTROPY) for _ in range(6)]


def made() -> Vault:
    """Make a vault of two keys of a bank."""
    return Vault.fresh(ENTROPY).with_key(MAC, KEYS[0]).with_key(PIN, KEYS[1])


def read_again(vault: Vault) -> Vault:
    """Read what a vault is written as: the same keys, every object anew."""
    return Vault.from_document(vault.to_document())


def test_keys_read_again_are_no_change() -> None:
    """The same keys in the same state, though no object is the same."""
    vault = made()

    assert {} == changes(vault, read_again(vault))
    assert is_same_house(vault, read_again(vault))


def test_change_names_what_is_other_new_or_gone() -> None:
    """A ladder that moved on, a terminal's first key, and one that is there no more."""
    before = made()
    after = before.with_ladder(MAC, before.keys[MAC].received(KEYS[2])).with_key(OWN, KEYS[3])
    after = replace(after, keys={n: one for n, one in after.keys.items() if n != PIN})

    found = changes(before, read_again(after))

    assert {MAC, OWN, PIN} == found.keys()
    assert found[PIN] is None


def test_both_changes_are_kept_where_they_are_of_other_names() -> None:
    """What a line of this process changed while the file was read stays, and theirs comes."""
    before = made()
    after = read_again(before.with_key(MAC, KEYS[2]))
    now = before.with_key(PIN, KEYS[3])

    vault = merged(now, before, after, changes(before, after))

    assert vault is not None
    assert [KEYS[2].check, KEYS[3].check] == [vault.keys[one].in_use.check for one in (MAC, PIN)]


def test_name_that_is_gone_goes() -> None:
    """A terminal whose keys another process took away has its bank's again."""
    before = made().with_key(OWN, KEYS[2])
    after = replace(before, keys={n: one for n, one in before.keys.items() if n != OWN})
    now = before.with_key(PIN, KEYS[3])

    vault = merged(now, before, after, changes(before, after))

    assert vault is not None
    assert OWN not in vault.keys


def test_nothing_is_merged_over_a_change_of_the_same_name() -> None:
    """Nobody knows which is the newer: the file is read once more."""
    before = made()
    after = read_again(before.with_key(MAC, KEYS[2]))
    now = before.with_key(MAC, KEYS[3])

    assert merged(now, before, after, changes(before, after)) is None


def test_keys_of_the_house_come_whole_or_not_at_all() -> None:
    """A new layer over the card key is taken with the whole file, where nothing came between."""
    before = made()
    after = read_again(before.with_card_layer(Key(bytes([9]) * KEY_BYTES)))
    changed = changes(before, after)

    assert not is_same_house(before, after)
    assert merged(before, before, after, changed) is after
    assert merged(before.with_key(PIN, KEYS[3]), before, after, changed) is None


@pytest.mark.parametrize("own", [None, OWN])
def test_every_key_of_every_name_is_gone_through(own: KeyName | None) -> None:
    """The one in use, the one before, and a spare one; of terminals as well."""
    vault = made()
    at = count(2)
    for name in [MAC, *([own] if own else [])]:
        first = vault.keys.get(name, Ladder(KEYS[next(at)]))
        vault = vault.with_ladder(name, first.offered(KEYS[next(at)]))
    found = [name for name, _ in rungs(vault.keys)]

    assert [2, 2 if own else 0] == [found.count(MAC), found.count(OWN)]
