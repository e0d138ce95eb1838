"""One message: MTI and data elements, read but not judged.  It cannot be printed.

Why no dataclass: one is made for every frame, and a frozen dataclass takes longer to make
than the frame to read.
Compiled, this is a type of C: ``message.pxd`` gives the types.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType


class IsoMessage:  # noqa: PLW1641 - it has no hash, as whatever has elements
    """MTI of four digits and the elements by number.

    Every element is text; those of class ``b`` are upper-case hexadecimal.
    """

    __slots__ = ("_known", "_mti")

    _mti: str
    _known: dict[int, str] | None
    """The elements; a message that knows where it is from makes them when asked."""

    def __init__(self, mti: str, elements: Mapping[int, str]) -> None:
        """Copy the elements: nobody changes them afterwards."""
        self._mti = mti
        self._known = dict(elements)

    @property
    def mti(self) -> str:
        """Four digits."""
        return self._mti

    @property
    def elements(self) -> Mapping[int, str]:
        """The elements by number; they cannot be changed."""
        return MappingProxyType(self._all())

    def _all(self) -> dict[int, str]:
        """Return the elements, made now if need be."""
        known = self._known
        if known is None:
            known = self._known = self._made()
        return known

    def _made(self) -> dict[int, str]:
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        """Tell whether MTI and all elements are the same."""
        if not isinstance(other, IsoMessage):
            return NotImplemented
        return bool(self._mti == other.mti and self._all() == other.elements)

    def __repr__(self) -> str:
        """Name the MTI alone."""
        return f"IsoMessage(mti={self._mti!r})"

    def __getitem__(self, number: int) -> str:
        """Return an element that is known to be there."""
        return self._all()[number]

    def __contains__(self, number: int) -> bool:
        """Tell whether an element is there."""
        return number in self._all()

    def get(self, number: int, default: str = "") -> str:
        """Return an element, or ``default``."""
        return self._all().get(number, default)

    def only(self, numbers: Iterable[int]) -> dict[int, str]:
        """Return a copy of the elements among ``numbers``, in their order."""
        known = self._all()
        return {n: known[n] for n in sorted(numbers) if n in known}

    def without(self, *numbers: int) -> "IsoMessage":
        """Return the message less some elements."""
        known = self._all()
        return IsoMessage(self._mti, {n: value for n, value in known.items() if n not in numbers})

    def with_element(self, number: int, value: str) -> "IsoMessage":
        """Return the message with one element put in."""
        return IsoMessage(self._mti, {**self._all(), number: value})

    def answering(self, mti: str, echo: frozenset[int], put: Mapping[int, str]) -> "IsoMessage":
        """Return a message of the elements among ``echo``, and of ``put``, which goes before."""
        return IsoMessage(mti, {**self.only(echo), **put})
