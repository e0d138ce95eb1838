"""The vault: every key of the switch, and what is computed with keys but no PIN.

Plan: a frozen value, passed inwards once the key file has been opened; changing a key
makes a new vault.  Chance comes in as ``entropy``: a count of bytes to that many bytes.
Limits: pure Python holds the keys in the clear while the process lives; those of the lines
may be under a hardware HSM's master key instead.  A card key is laid over those before it
and none is taken out again, for no PAN is there to hash anew.
Why no printable, comparable or picklable form: a vault that cannot be written by accident
cannot be logged.  ``to_document`` is for the sealed key file alone.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import NoReturn, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from atm_switch.domain.card import Pan
from atm_switch.domain.errors import Refused
from atm_switch.domain.identifiers import AcquirerId, Nik, TerminalId
from atm_switch.domain.member import CardRef
from atm_switch.domain.secret import Key
from atm_switch.security import tdes
from atm_switch.security.key_ring import TDES, KeyName, KeyUsage, Ladder, LineKey
from atm_switch.security.keyed_hash import KeyedHash
from atm_switch.security.known_keys import is_publicly_known
from atm_switch.security.lending import copied, keys_with, lent_by
from atm_switch.security.vault_document import (
    KEY_NAMES,
    LAYERS_MAX,
    VaultKeys,
    read_document,
    write_document,
)

Entropy = Callable[[int], bytes]

KEY_BYTES = 32
NONCE_BYTES = 12
_KEY_ID_BYTES = 4
_BODY_AT = _KEY_ID_BYTES + NONCE_BYTES
_DRAWS_MAX = 8
_AES_KEY_BYTES = 16
_FRESH_PVKI = "1"


def fresh_tdes_key(entropy: Entropy) -> Key:
    """Draw a double-length TDES key: odd parity, halves that differ.

    Raises ``ValueError`` where ``entropy`` keeps giving halves that are the same.
    """
    for _ in range(_DRAWS_MAX):
        key = tdes.with_odd_parity(Key(entropy(16)))
        try:
            tdes.require_usable(key)
        except ValueError:
            continue
        return key
    message = "the source of chance gives no usable TDES key"
    raise ValueError(message)


def fresh_line_key(algorithm: str, entropy: Entropy) -> LineKey:
    """Draw a key of a line, double-length TDES or AES-128, that nobody knows.

    Raises ``ValueError`` where ``entropy`` gives none.
    """
    for _ in range(_DRAWS_MAX):
        is_tdes = algorithm == TDES
        drawn = fresh_tdes_key(entropy) if is_tdes else Key(entropy(_AES_KEY_BYTES))
        key = LineKey.clear(drawn, algorithm)
        if not is_publicly_known(key.check):
            return key
    message = "the source of chance gives no key but known ones"
    raise ValueError(message)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Vault:
    """All keys: four of 32 bytes of this house, and those of the lines by their names.

    Raises ``ValueError``, without any key, for a key of wrong length or used twice among
    the four, and for a name that does not fit its usage; ``Refused`` for more card layers
    than the key file holds.
    """

    pan_key: Key
    person_key: Key
    fingerprint_key: Key
    sealing_key: Key
    keys: Mapping[KeyName, Ladder]
    card_layers: tuple[Key, ...] = ()
    """Card keys that came after ``pan_key``, the newest last; each hashes the hash before.

    A PAN is nowhere kept, so a new key can only be laid over what the old ones made; who
    learns an old key still cannot try out PANs without the newest.  None is ever dropped:
    every later hash is made with it.
    """
    card_key_ids: tuple[str, ...] = field(init=False)
    """The ids of the card keys, the newest first."""
    _sealing: AESGCM = field(init=False)
    """Made once: its key schedule costs more than a row's text."""
    _sealing_id: bytes = field(init=False)
    _cards: tuple[KeyedHash, ...] = field(init=False)
    """Of ``pan_key``, and of each layer over it."""
    _persons: KeyedHash = field(init=False)
    _fingerprints: KeyedHash = field(init=False)

    def __post_init__(self) -> None:
        """Let no unusable key in, and freeze the tables."""
        if len(self.card_layers) > LAYERS_MAX:
            raise Refused(
                f"the card key was changed {LAYERS_MAX} times, which is all this folder takes: "
                "keep the one in use, or begin a new folder and link the cards there anew"
            )
        four = (self.pan_key, self.person_key, self.fingerprint_key, self.sealing_key)
        house = (*four, *self.card_layers)
        if any(len(key) != KEY_BYTES for key in house) or len({k.reveal() for k in house}) < len(
            house
        ):
            raise ValueError("the vault takes four different keys of 32 bytes")
        if not all(_is_proper(name) for name in self.keys):
            message = "a key's name does not fit its usage"
            raise ValueError(message)
        object.__setattr__(self, "keys", MappingProxyType(copied(self.keys)))
        card_keys = (self.pan_key, *self.card_layers)
        ids = tuple(_key_id(key).hex() for key in reversed(card_keys))
        object.__setattr__(self, "card_key_ids", ids)
        object.__setattr__(self, "_sealing", AESGCM(self.sealing_key.reveal()))
        object.__setattr__(self, "_sealing_id", _key_id(self.sealing_key))
        object.__setattr__(self, "_cards", tuple(map(_keyed_hash, card_keys)))
        object.__setattr__(self, "_persons", _keyed_hash(self.person_key))
        object.__setattr__(self, "_fingerprints", _keyed_hash(self.fingerprint_key))

    @classmethod
    def fresh(cls, entropy: Entropy) -> Self:
        """Make a vault of new keys: the four, one PVK with index 1, none of a line yet.

        Raises ``ValueError`` where ``entropy`` repeats itself.
        """
        return cls(
            pan_key=Key(entropy(KEY_BYTES)),
            person_key=Key(entropy(KEY_BYTES)),
            fingerprint_key=Key(entropy(KEY_BYTES)),
            sealing_key=Key(entropy(KEY_BYTES)),
            keys={pvk_name(_FRESH_PVKI): Ladder(LineKey.clear(fresh_tdes_key(entropy)))},
        )

    def card_ref(self, pan: Pan) -> CardRef:
        """Return what stands for a PAN at rest: HMAC-SHA-256 over all its digits.

        Under the newest card key; with layers, the hash of the hash before.
        """
        return self.card_refs(pan)[0]

    def card_refs(self, pan: Pan) -> tuple[CardRef, ...]:
        """Return what may stand for a PAN at rest: under the newest card key, then the older."""
        digests = [self._cards[0].code(pan.digits.encode())]
        if not self.card_layers:  # as most often
            return (CardRef(self.card_key_ids[0], digests[0]),)
        for layer in self._cards[1:]:
            digests.append(layer.code(digests[-1]))
        return tuple(map(CardRef, self.card_key_ids, reversed(digests)))

    def newest_ref(self, ref: CardRef) -> CardRef:
        """Return a card's hash under the newest key, made of its hash under an older one.

        Raises ``ValueError`` for a key the vault does not have.
        """
        ids = self.card_key_ids[::-1]
        if ref.key_id not in ids:
            message = "the card is under a key that is not in the key file"
            raise ValueError(message)
        digest = ref.digest
        for layer in self._cards[ids.index(ref.key_id) + 1 :]:
            digest = layer.code(digest)
        return CardRef(ids[-1], digest)

    def with_card_layer(self, key: Key) -> Self:
        """Return a vault with one more card key, from now on the newest.

        Raises ``Refused`` where it has all the layers it may have.
        """
        return replace(self, card_layers=(*self.card_layers, key))

    def person_ref(self, nik: Nik) -> str:
        """Return what groups the KPJ of one NIK: HMAC-SHA-256, 64 hex digits."""
        return self._persons.code(nik.digits.encode()).hex()

    def fingerprint(self, material: bytes) -> bytes:
        """Return the keyed hash, 32 bytes, by which a repeated request is known."""
        return self._fingerprints.code(material)

    def seal(self, purpose: str, plain: bytes, nonce: bytes) -> bytes:
        """Encipher for storage: key id (4), nonce (12), AES-256-GCM text and tag (16).

        ``purpose`` is bound to the result; ``nonce`` is 12 bytes never used before.
        Raises ``ValueError`` for a nonce of other length.
        """
        if len(nonce) != NONCE_BYTES:
            message = "a nonce has 12 bytes"
            raise ValueError(message)
        key_id = self._sealing_id
        return key_id + nonce + self._sealing.encrypt(nonce, plain, key_id + purpose.encode())

    def unseal(self, purpose: str, sealed: bytes) -> bytes:
        """Decipher what ``seal`` made for the same purpose.

        Raises one ``ValueError`` whatever is wrong: key, purpose, length or a changed bit.
        """
        key_id, nonce = sealed[:_KEY_ID_BYTES], sealed[_KEY_ID_BYTES:_BODY_AT]
        try:
            return self._sealing.decrypt(nonce, sealed[_BODY_AT:], key_id + purpose.encode())
        except (InvalidTag, ValueError):
            message = "the sealed value cannot be opened"
            raise ValueError(message) from None

    def ladder(
        self, usage: KeyUsage, acquirer: AcquirerId, terminal: TerminalId | None = None
    ) -> tuple[KeyName, Ladder] | None:
        """Return a line's keys and their name: the terminal's own, else its acquirer's."""
        bank = KeyName(usage, acquirer)
        lender, name = self.keys.get(bank), KeyName(usage, acquirer, terminal)
        own = self.keys.get(name) if terminal is not None else None
        if own is not None:
            return name, lent_by(lender, own) if lender is not None else own
        return None if lender is None else (bank, lender)

    def with_ladder(self, name: KeyName, ladder: Ladder) -> Self:
        """Return a vault in which ``ladder`` holds the keys of that name.

        A bank's terminals follow their bank.
        """
        return replace(self, keys=keys_with(self.keys, name, ladder))

    def with_key(self, name: KeyName, key: LineKey) -> Self:
        """Return a vault in which ``key`` alone has that name; what was there has left."""
        held = self.keys.get(name)
        return self.with_ladder(name, Ladder(key) if held is None else held.replaced(key))

    def is_same_as(self, other: "Vault") -> bool:
        """Tell whether both hold the same keys in the same state."""
        return self.to_document() == other.to_document()

    def pvk(self, pvki: str) -> LineKey | None:
        """Return the PIN verification key of an index, or ``None``."""
        found = self.keys.get(pvk_name(pvki))
        return found.in_use if found else None

    @property
    def pvk_indices(self) -> tuple[str, ...]:
        """The indices of the PIN verification keys, ascending."""
        return tuple(sorted(name.index for name in self.keys if name.usage is KeyUsage.PVK))

    def to_document(self) -> dict[str, object]:
        """Write all keys in hexadecimal, for the key file to seal and for nothing else."""
        named = {name: getattr(self, name) for name in KEY_NAMES}
        return write_document(VaultKeys(named, dict(self.keys), self.card_layers))

    @classmethod
    def from_document(cls, document: Mapping[str, object]) -> Self:
        """Read what ``to_document`` wrote.

        Raises ``ValueError``, which names the entry and quotes no value, for anything
        missing, unknown, misshapen, given twice or of another schema.
        """
        keys = read_document(document)
        return cls(**keys.named, keys=keys.keys, card_layers=keys.card_layers)

    def __repr__(self) -> str:
        """Show the type only."""
        return "<Vault>"

    def __reduce__(self) -> NoReturn:
        """Refuse pickling and copying: keys leave in the sealed key file only."""
        message = "a Vault cannot be serialised"
        raise TypeError(message)


def pvk_name(pvki: str) -> KeyName:
    """Name the PIN verification key of an index."""
    return KeyName(KeyUsage.PVK, index=pvki)


def _is_proper(name: KeyName) -> bool:
    if name.usage is not KeyUsage.PVK:
        return name.acquirer is not None and not name.index
    is_digit = len(name.index) == 1 and name.index in "0123456789"
    return is_digit and name.acquirer is None and name.terminal is None


def _keyed_hash(key: Key) -> KeyedHash:
    return KeyedHash(key.reveal())


def _key_id(key: Key) -> bytes:
    return hashlib.sha256(key.reveal()).digest()[:_KEY_ID_BYTES]
