"""Claims about keys that may not come in: known, shared between uses, or back from the past."""

from types import SimpleNamespace

import pytest

from atm_switch.domain.identifiers import AcquirerId, TerminalId
from atm_switch.domain.secret import Key
from atm_switch.security import tdes
from atm_switch.security.key_ring import AES, TDES, KeyName, KeyUsage, Ladder, LineKey
from atm_switch.security.key_rules import is_still, ladder_before, why_no_component, why_not
from atm_switch.security.tdes import with_odd_parity
from atm_switch.security.vault import Vault, fresh_line_key, pvk_name
from tests.doubles.memory import CountedEntropy

BANK, OTHER_BANK = AcquirerId("009"), AcquirerId("014")
MAC, PIN = KeyName(KeyUsage.MAC, BANK), KeyName(KeyUsage.PIN, BANK)
OLD, NEW, NEWER = (LineKey.clear(Key(bytes(range(at, at + 16)))) for at in (3, 40, 80))
KNOWN = LineKey.clear(with_odd_parity(Key.from_hex("0123456789ABCDEFFEDCBA9876543210")))


def vault_of(ladder: Ladder, name: KeyName = MAC) -> Vault:
    """A vault with one ladder of a line in it."""
    return Vault.fresh(CountedEntropy()).with_ladder(name, ladder)


def judged(key: LineKey, name: KeyName, vault: Vault) -> str | None:
    """The verdict outside production."""
    return why_not(key, name, vault, refuses_known=False)


def test_known_key_is_refused_where_told_so() -> None:
    """A key of a standard comes in in a lab, and not in production."""
    vault = vault_of(Ladder(OLD))

    assert judged(KNOWN, MAC, vault) is None
    assert "publicly known" in str(why_not(KNOWN, MAC, vault, refuses_known=True))


@pytest.mark.parametrize(
    "ladder",
    [
        Ladder(NEW), Ladder(OLD, NEW), Ladder(OLD, NEW, is_coming=True), Ladder(OLD, spare=NEW),
    ],
)  # fmt: skip
@pytest.mark.parametrize("owner", [BANK, OTHER_BANK])
def test_key_of_another_use_is_refused(ladder: Ladder, owner: AcquirerId) -> None:
    """Whatever rung it stands on, and whichever bank's it is."""
    vault = vault_of(ladder, KeyName(KeyUsage.EXCHANGE, owner))

    assert "the key is in use for another purpose" == judged(NEW, MAC, vault)


def test_pin_verification_key_is_no_key_of_a_line() -> None:
    """Nor does a key of a line become a PVK."""
    vault = vault_of(Ladder(OLD))
    pvk = vault.keys[pvk_name("1")].in_use

    assert "another purpose" in str(judged(pvk, MAC, vault))
    assert "another purpose" in str(judged(OLD, pvk_name("2"), vault))


def test_key_in_use_may_come_again() -> None:
    """A repeat of what is in use is no change."""
    assert judged(NEW, MAC, vault_of(Ladder(OLD).received(NEW))) is None
    assert judged(NEWER, MAC, vault_of(Ladder(OLD).received(NEW))) is None


def test_key_that_was_here_stays_away() -> None:
    """Replaced, or on its way out from this side: it does not come back as the peer's."""
    replaced = vault_of(Ladder(OLD).received(NEW))
    officers = vault_of(Ladder(OLD)).with_key(MAC, NEW)
    offered = vault_of(Ladder(OLD).offered(NEW))

    assert "the key was replaced by a newer one" == judged(OLD, MAC, replaced)
    assert "the key was replaced by a newer one" == judged(OLD, MAC, officers)
    assert "the key is one this side has offered" == judged(NEW, MAC, offered)


def test_first_key_of_a_terminal_follows_its_banks() -> None:
    """What its bank's ladder has replaced is past for the terminal too."""
    vault = vault_of(Ladder(OLD).received(NEW))
    own = KeyName(KeyUsage.MAC, BANK, TerminalId("S1ABC123"))

    assert vault.keys[MAC] is ladder_before(own, vault)
    assert judged(OLD, own, vault) is not None
    assert ladder_before(PIN, vault) is None


def test_change_goes_on_only_from_the_keys_it_began_from() -> None:
    """The same ladder read anew will do; none where there was one, or another, will not."""
    ladder = Ladder(OLD)

    assert is_still(None, None)
    assert is_still(ladder, Ladder(OLD))
    assert not is_still(ladder, ladder.received(NEW))
    assert not is_still(None, ladder)
    assert not is_still(ladder, None)


def test_pin_verification_key_takes_the_place_of_its_index() -> None:
    """It belongs to no bank: the one before is the one of the same PVKI, or there is none."""
    vault = vault_of(Ladder(OLD))

    assert vault.keys[pvk_name("1")] is ladder_before(pvk_name("1"), vault)
    assert ladder_before(pvk_name("2"), vault) is None


def tripled(key: LineKey) -> LineKey:
    """The same key written as K1|K2|K1."""
    bare = key.token.reveal()
    return LineKey.clear(Key(bare + bare[:8]))


@pytest.mark.parametrize("key", [OLD, NEW, NEWER])
def test_double_length_key_stays_out_at_triple(key: LineKey) -> None:
    """New, in use or replaced: K1|K2|K1 is no key of its own, for whatever it is meant."""
    vault = vault_of(Ladder(OLD).received(NEW))

    for name in (MAC, PIN, KeyName(KeyUsage.EXCHANGE, BANK)):
        assert "the key is a double-length key written at triple length" == judged(
            tripled(key), name, vault
        )


def test_key_read_at_triple_length_guards_its_use() -> None:
    """A line that still has K1|K2|K1 lends neither it nor K1|K2 to another use."""
    vault = vault_of(Ladder(tripled(NEW)))

    assert "the key is in use for another purpose" == judged(NEW, PIN, vault)
    assert judged(NEW, MAC, vault) is None


def test_component_that_is_a_key_is_refused() -> None:
    """In use, on its way out, replaced or tripled: a component is nobody's key."""
    vault = vault_of(Ladder(OLD).received(NEW).received(NEWER))
    replaced = vault_of(Ladder(OLD)).with_key(MAC, NEW)
    stranger = LineKey.clear(Key(bytes(range(120, 136))))

    def verdict(component: LineKey, among: Vault = vault) -> str | None:
        return why_no_component(component, among, refuses_known=False)

    for component in (OLD, NEW, NEWER, tripled(NEW)):
        assert "it is a key of this switch itself" == verdict(component)
    assert "it is a key of this switch itself" == verdict(OLD, replaced)
    assert [None, None] == [verdict(stranger), verdict(KNOWN)]
    assert "it is a publicly known test key" == why_no_component(KNOWN, vault, refuses_known=True)


def test_octets_of_a_key_are_no_key_of_another_algorithm() -> None:
    """One secret under TDES and AES is one secret: who knows either knows both."""
    octets = with_odd_parity(Key(bytes(range(5, 21))))
    vault = vault_of(Ladder(LineKey.clear(octets, AES)), KeyName(KeyUsage.PIN, BANK))

    assert "the key is in use for another purpose" == judged(LineKey.clear(octets), MAC, vault)


def test_key_the_bank_gave_up_is_no_terminals_own() -> None:
    """Also where the terminal has keys of its own already."""
    own = KeyName(KeyUsage.MAC, BANK, TerminalId("S1ABC123"))
    vault = vault_of(Ladder(OLD).received(NEW)).with_ladder(own, Ladder(NEWER))

    assert "the key was replaced by a newer one" == judged(OLD, own, vault)
    assert judged(NEW, own, vault) is None


def test_keys_told_apart_by_their_check_values_are_not_compared_octet_by_octet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A terminal's key is asked about beside thousands of others, and requests wait for that."""
    compared: list[bool] = []

    def are_same(one: Key, other: Key) -> bool:
        compared.append(tdes.are_same(one, other))
        return compared[-1]

    chance = CountedEntropy()
    vault = vault_of(Ladder(OLD), PIN)
    for number in range(50):
        name = KeyName(KeyUsage.PIN, BANK, TerminalId(f"S1A{number:05d}"))
        vault = vault.with_key(name, fresh_line_key(TDES, chance))
    vault = vault.with_key(KeyName(KeyUsage.PIN, OTHER_BANK), NEW)
    with monkeypatch.context() as patched:
        patched.setattr("atm_switch.security.key_ring.tdes", SimpleNamespace(are_same=are_same))

        assert judged(NEWER, MAC, vault) is None
        assert [] == compared
        assert "another purpose" in str(judged(NEW, MAC, vault))
        assert [True] == compared
