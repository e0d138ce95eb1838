"""Claims about the vault: what it computes, and that it cannot be written by accident."""

import copy
import dataclasses
import hashlib
import hmac
import json
import pickle
from collections.abc import Callable

import pytest

from atm_switch.domain.card import Pan, luhn_digit
from atm_switch.domain.identifiers import AcquirerId, Nik, TerminalId
from atm_switch.domain.secret import Key, Pin, PinBlock, Secret
from atm_switch.security import tdes
from atm_switch.security.key_ring import LineKey
from atm_switch.security.vault import Vault, fresh_line_key, fresh_tdes_key, pvk_name
from tests.doubles.line_keys import pin_key, with_pin_key

BANK = AcquirerId("009")
ATM = TerminalId("ATM00001")
PAN = Pan("999009123456789" + luhn_digit("999009123456789"))
NIK = Nik("3171010101900001")
NONCE = bytes(range(12))
PIN_KEY = Key.from_hex("0123456789ABCDEFFEDCBA9876543210")
OWN_KEY = Key.from_hex("5CA64B3C22BEC347CA7E6609904BAAED")


def counted(start: int = 0) -> Callable[[int], bytes]:
    """Give chance that can be foretold: hashes of a counter."""
    state = [start]

    def entropy(count: int) -> bytes:
        state[0] += 1
        return hashlib.shake_256(state[0].to_bytes(8, "big")).digest(count)

    return entropy


VAULT = with_pin_key(with_pin_key(Vault.fresh(counted()), BANK, None, PIN_KEY), BANK, ATM, OWN_KEY)
OTHER = Vault.fresh(counted(100))


def canaries() -> list[str]:
    """List the texts that would give a key of the vault away."""
    keys = [VAULT.pan_key, VAULT.person_key, VAULT.fingerprint_key, VAULT.sealing_key]
    keys += [ladder.in_use.token for ladder in VAULT.keys.values()]
    return [form for key in keys for form in (key.reveal().hex(), repr(key.reveal())[2:10])]


def test_card_ref_is_hmac_of_whole_pan() -> None:
    """A card's reference is HMAC-SHA-256 over all digits, named by its key's id."""
    ref = VAULT.card_ref(PAN)

    key = VAULT.pan_key.reveal()
    assert hmac.new(key, PAN.digits.encode(), hashlib.sha256).digest() == ref.digest
    assert hashlib.sha256(key).hexdigest()[:8] == ref.key_id


def test_card_ref_depends_on_key_and_pan() -> None:
    """Another PAN or another vault gives another reference; the same gives the same."""
    neighbour = Pan("999009123456780" + luhn_digit("999009123456780"))

    assert VAULT.card_ref(PAN) == VAULT.card_ref(Pan(PAN.digits))
    assert VAULT.card_ref(PAN).digest != VAULT.card_ref(neighbour).digest
    assert VAULT.card_ref(PAN).digest != OTHER.card_ref(PAN).digest
    assert VAULT.card_ref(PAN).key_id != OTHER.card_ref(PAN).key_id


def test_person_ref_is_hmac_in_hexadecimal() -> None:
    """A person's reference is HMAC-SHA-256 of the NIK under a key of its own."""
    key = VAULT.person_key.reveal()

    expected = hmac.new(key, NIK.digits.encode(), hashlib.sha256).hexdigest()

    assert expected == VAULT.person_ref(NIK)
    assert expected != OTHER.person_ref(NIK)


def test_fingerprint_is_keyed_and_32_bytes() -> None:
    """A fingerprint is keyed by the vault and long enough for the journal."""
    assert 32 == len(VAULT.fingerprint(b"request"))
    assert VAULT.fingerprint(b"request") == VAULT.fingerprint(b"request")
    assert VAULT.fingerprint(b"request") != VAULT.fingerprint(b"request ")
    assert VAULT.fingerprint(b"request") != OTHER.fingerprint(b"request")


@pytest.mark.parametrize("plain", [b"", b"3171010101900001", bytes(5000)])
def test_sealed_value_opens_again(plain: bytes) -> None:
    """What was sealed for a purpose opens for it, and does not lie there in the clear."""
    sealed = VAULT.seal("nik", plain, NONCE)

    assert 4 + 12 + len(plain) + 16 == len(sealed)
    assert plain == VAULT.unseal("nik", sealed)
    assert not plain or plain not in sealed


def test_any_changed_byte_keeps_it_shut() -> None:
    """Key id, nonce, text and tag are all bound: no byte can be changed."""
    sealed = VAULT.seal("nik", b"plain", NONCE)

    for at in range(len(sealed)):
        changed = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
        with pytest.raises(ValueError, match="cannot be opened"):
            VAULT.unseal("nik", changed)


def test_every_failure_to_open_sounds_alike() -> None:
    """Another purpose, another vault and any cut give one and the same error."""
    sealed = VAULT.seal("nik", b"plain", NONCE)
    attempts = [(VAULT, "name", sealed), (OTHER, "nik", sealed)]
    attempts += [(VAULT, "nik", sealed[:end]) for end in range(len(sealed))]

    errors = set()
    for vault, purpose, value in attempts:
        with pytest.raises(ValueError, match="opened") as caught:
            vault.unseal(purpose, value)
        errors.add(str(caught.value))

    assert {"the sealed value cannot be opened"} == errors


@pytest.mark.parametrize("length", [0, 8, 11, 13])
def test_nonce_has_twelve_bytes(length: int) -> None:
    """Sealing takes a nonce of twelve bytes and no other."""
    with pytest.raises(ValueError, match="a nonce has 12 bytes"):
        VAULT.seal("nik", b"plain", bytes(length))


def test_terminal_key_comes_before_acquirer_key() -> None:
    """A terminal's own key counts; the others of the acquirer share the acquirer's."""
    assert OWN_KEY is pin_key(VAULT, BANK, ATM)
    assert PIN_KEY is pin_key(VAULT, BANK, TerminalId("ATM00002"))
    assert pin_key(VAULT, AcquirerId("008"), ATM) is None


def test_new_pin_key_leaves_old_vault() -> None:
    """Setting a key makes a new vault; the old one stays as it was."""
    renewed = with_pin_key(VAULT, BANK, ATM, PIN_KEY)

    assert PIN_KEY is pin_key(renewed, BANK, ATM)
    assert OWN_KEY is pin_key(VAULT, BANK, ATM)
    assert VAULT.card_ref(PAN) == renewed.card_ref(PAN)


def test_unusable_pin_key_is_refused() -> None:
    """Single DES in any guise does not get into the vault."""
    with pytest.raises(ValueError, match="TDES key"):
        with_pin_key(VAULT, BANK, ATM, Key(bytes(8)))
    with pytest.raises(ValueError, match="single DES"):
        with_pin_key(VAULT, BANK, ATM, Key(bytes(16)))


def test_fresh_vault_has_sound_keys() -> None:
    """New keys: four different ones, PVK 1 of double length and odd parity, no PIN key."""
    vault = Vault.fresh(counted(7))
    pvk = vault.pvk("1")

    assert pvk is not None
    assert 16 == len(pvk.token)
    assert tdes.has_odd_parity(pvk.token)
    assert vault.pvk("2") is None
    assert [pvk_name("1")] == list(vault.keys)


def test_fresh_tdes_key_draws_until_usable() -> None:
    """Halves that are the same are drawn again."""
    draws = iter([bytes(16), b"\x01" * 16, bytes(range(16))])

    key = fresh_tdes_key(lambda _: next(draws))

    assert 16 == len(key)
    assert tdes.has_odd_parity(key)
    tdes.require_usable(key)


def test_known_key_is_drawn_again() -> None:
    """A drawn key that a manual shows is thrown away; chance that gives no other is refused."""
    draws = iter([PIN_KEY.reveal(), OWN_KEY.reveal(), bytes(range(50, 66))])

    key = fresh_line_key("T", lambda _: next(draws))

    assert tdes.with_odd_parity(Key(bytes(range(50, 66)))).reveal() == key.token.reveal()
    with pytest.raises(ValueError, match="known ones"):
        fresh_line_key("T", lambda _: PIN_KEY.reveal())


def test_chance_that_repeats_is_refused() -> None:
    """A broken source of chance makes no keys, and the search for some ends."""
    with pytest.raises(ValueError, match="source of chance"):
        fresh_tdes_key(bytes)
    with pytest.raises(ValueError, match=r"source of chance|four different keys"):
        Vault.fresh(bytes)


@pytest.mark.parametrize("pvki", ["", "12", "A", "\u0661"])
def test_pvki_of_other_shape_is_refused(pvki: str) -> None:
    """A PVK's index is one digit."""
    with pytest.raises(ValueError, match="name does not fit its usage"):
        VAULT.with_key(pvk_name(pvki), LineKey.clear(PIN_KEY))


def test_named_keys_are_long_and_different() -> None:
    """A short key, or one key for two purposes, is refused."""
    with pytest.raises(ValueError, match="four different keys"):
        dataclasses.replace(VAULT, pan_key=Key(bytes(16)))
    with pytest.raises(ValueError, match="four different keys"):
        dataclasses.replace(VAULT, pan_key=VAULT.person_key)


def test_vault_cannot_be_changed() -> None:
    """Neither a field nor a table of the vault can be written to."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        VAULT.pan_key = PIN_KEY  # type: ignore[misc]  # the claim is that it fails
    with pytest.raises(TypeError):
        VAULT.keys[pvk_name("1")] = None  # type: ignore[index]  # the claim is that it fails


def test_no_text_form_shows_a_key() -> None:
    """Neither repr, str, format nor a JSON fallback shows anything of the vault."""
    texts = [repr(VAULT), str(VAULT), f"{VAULT}", "%s" % VAULT, "%r" % (VAULT,)]  # noqa: UP031
    texts += [json.dumps({"vault": VAULT}, default=str), repr({"vault": [VAULT]})]
    texts += [repr(VAULT.keys), str(VAULT.keys)]

    assert {"<Vault>"} == set(texts[:5])
    assert [] == [form for form in canaries() for text in texts if form in text]


@pytest.mark.parametrize(
    "write", [pickle.dumps, json.dumps, copy.copy, copy.deepcopy, dataclasses.asdict]
)
def test_vault_cannot_be_serialised(write: Callable[[object], object]) -> None:
    """Every way of the standard library to write or copy a vault fails without a key."""
    with pytest.raises(TypeError) as caught:
        write(VAULT)

    assert [] == [form for form in canaries() if form in str(caught.value)]


@pytest.mark.parametrize("kind", [Secret, Key, Pin, PinBlock])
def test_no_text_form_shows_a_secret(kind: type[Secret]) -> None:
    """Keys, PINs and PIN blocks show their type's name and nothing else."""
    secret = kind(b"271828")
    texts = {repr(secret), str(secret), f"{secret}", f"{secret!s}", f"{secret:>40}"}
    texts |= {"%s" % secret, json.dumps(secret, default=str).strip('"')}  # noqa: UP031

    assert {f"<{kind.__name__}>"} == texts


@pytest.mark.parametrize("kind", [Secret, Key, Pin, PinBlock])
@pytest.mark.parametrize("write", [pickle.dumps, json.dumps, copy.copy, copy.deepcopy, vars])
def test_secret_cannot_be_serialised(kind: type[Secret], write: Callable[[object], object]) -> None:
    """Every way of the standard library to write a secret fails without it."""
    with pytest.raises(TypeError) as caught:
        write(kind(b"271828"))

    assert "271828" not in str(caught.value)


def test_document_brings_the_vault_back() -> None:
    """A vault read from its document does what the first one did."""
    document = json.loads(json.dumps(VAULT.to_document()))

    again = Vault.from_document(document)

    assert VAULT.card_ref(PAN) == again.card_ref(PAN)
    assert VAULT.person_ref(NIK) == again.person_ref(NIK)
    assert VAULT.fingerprint(b"request") == again.fingerprint(b"request")
    assert b"plain" == again.unseal("nik", VAULT.seal("nik", b"plain", NONCE))
    assert VAULT.to_document() == again.to_document()


def test_document_with_unusable_key_is_refused() -> None:
    """A document is judged as a vault made by hand would be."""
    document = json.loads(json.dumps(VAULT.to_document()))
    document["keys"][0]["in_use"]["token"] = "00" * 16

    with pytest.raises(ValueError, match="single DES"):
        Vault.from_document(document)
