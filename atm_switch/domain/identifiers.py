"""The field's identifiers, each with the shape it must have.

Every class raises ``ValueError`` for a wrong shape; the text never quotes the value.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, NoReturn

from atm_switch.domain.mask import mask_kpj, mask_nik
from atm_switch.domain.value import value

KEPT = 256
TERMINALS_KEPT = 16_384


class _OfShape:
    """What a text of fixed shape is held to."""

    __slots__ = ()
    text: str
    shape: ClassVar[re.Pattern[str]]
    rule: ClassVar[str]

    def __post_init__(self) -> None:
        """Let no misshapen identifier exist."""
        if not self.shape.fullmatch(self.text):
            raise ValueError(self.rule)

    def __str__(self) -> str:
        """Write the identifier."""
        return self.text


@value(order=True)
class _Shaped(_OfShape):
    """A text of fixed shape, of one request."""

    text: str


@dataclass(frozen=True, slots=True, order=True)
class _KeptShaped(_OfShape):
    """The same, made once and kept for all requests: no one of them may change it."""

    text: str


class Stan(_Shaped):
    """DE11, system trace audit number: six digits, unique per terminal for a while."""

    __slots__ = ()
    shape = re.compile(r"[0-9]{6}", re.ASCII)
    rule = "a STAN has six digits"


class Rrn(_Shaped):
    """DE37, retrieval reference number: twelve letters or digits."""

    __slots__ = ()
    shape = re.compile(r"[0-9A-Za-z ]{12}", re.ASCII)
    rule = "an RRN has twelve letters or digits"


class TerminalId(_KeptShaped):
    """DE41, card acceptor terminal identification: eight printable characters."""

    __slots__ = ()
    shape = re.compile(r"[!-~][ -~]{7}", re.ASCII)
    rule = "a terminal id has eight printable characters, the first not a space"


class AcquirerId(_KeptShaped):
    """DE32, acquiring institution: up to eleven digits; 009 is BNI (domain.md 3.6)."""

    __slots__ = ()
    shape = re.compile(r"[0-9]{1,11}", re.ASCII)
    rule = "an acquirer id has one to eleven digits"


class Channel(_KeptShaped):
    """DE18 as the field here uses it: how the member asks; 6011 is an ATM (domain.md 4.5)."""

    __slots__ = ()
    shape = re.compile(r"[0-9]{4}", re.ASCII)
    rule = "a channel has four digits"


terminal_id = lru_cache(TERMINALS_KEPT)(TerminalId)
acquirer_id = lru_cache(KEPT)(AcquirerId)
channel = lru_cache(KEPT)(Channel)
"""Make an identifier, or find the one made before: few texts come again and again."""

_KPJ = re.compile(r"[0-9]{11}")
_NIK = re.compile(r"[0-9]{16}")


@value(order=True, repr=False)
class Kpj:
    """The member number of one JHT account: eleven digits, not all equal (domain.md 1).

    No check digit is documented, so none is tested.
    """

    digits: str

    def __post_init__(self) -> None:
        """Let no impossible KPJ exist."""
        if not _KPJ.fullmatch(self.digits) or self.digits == 11 * self.digits[0]:
            message = "a KPJ has eleven digits, not all equal"
            raise ValueError(message)

    @property
    def masked(self) -> str:
        """Stars and the last four digits."""
        return mask_kpj(self.digits)

    def __repr__(self) -> str:
        """Show the mask only."""
        return f"Kpj({self.masked})"

    __str__ = __repr__


@value(repr=False)
class Nik:
    """The national identity number of one person: sixteen digits, not all equal.

    Those stand where a NIK is not known: people who have none would pass for one person.
    """

    digits: str

    def __post_init__(self) -> None:
        """Let no impossible NIK exist."""
        if not _NIK.fullmatch(self.digits) or self.digits == 16 * self.digits[0]:
            message = "a NIK has sixteen digits, not all equal"
            raise ValueError(message)

    @property
    def masked(self) -> str:
        """First two, stars, last two."""
        return mask_nik(self.digits)

    def __repr__(self) -> str:
        """Show the mask only."""
        return f"Nik({self.masked})"

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        """Refuse pickling: a NIK is stored sealed or hashed only."""
        message = "a Nik cannot be serialised"
        raise TypeError(message)
