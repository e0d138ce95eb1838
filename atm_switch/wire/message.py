"""One message: MTI and data elements, read but not judged.  It cannot be printed.

Why no dataclass: one is made for every frame, and a frozen dataclass takes longer to make
than the frame to read.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NoReturn


class IsoMessage:
    """MTI of four digits and the elements by number.

    Every element is text; those of class ``b`` are upper-case hexadecimal.
    """

    __slots__ = ("elements", "mti")

    mti: str
    elements: Mapping[int, str]

    def __init__(self, mti: str, elements: Mapping[int, str]) -> None:
        """Copy the elements: nobody changes them afterwards."""
        _set(self, "mti", mti)
        _set(self, "elements", MappingProxyType(dict(elements)))

    @classmethod
    def owning(cls, mti: str, elements: dict[int, str]) -> "IsoMessage":
        """Make a message of a dictionary that nobody else holds."""
        message = _new(cls)
        _set(message, "mti", mti)
        _set(message, "elements", MappingProxyType(elements))
        return message

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        """Refuse: a message does not change."""
        raise AttributeError(f"a message does not change: {name}")

    def __delattr__(self, name: str) -> NoReturn:
        """Refuse: a message does not change."""
        raise AttributeError(f"a message does not change: {name}")

    def __eq__(self, other: object) -> bool:
        """Tell whether MTI and all elements are the same."""
        if not isinstance(other, IsoMessage):
            return NotImplemented
        return self.mti == other.mti and self.elements == other.elements

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """Name the MTI alone."""
        return f"IsoMessage(mti={self.mti!r})"

    def __getitem__(self, number: int) -> str:
        """Return an element that is known to be there."""
        return self.elements[number]

    def __contains__(self, number: int) -> bool:
        """Tell whether an element is there."""
        return number in self.elements

    def get(self, number: int, default: str = "") -> str:
        """Return an element, or ``default``."""
        return self.elements.get(number, default)

    def only(self, numbers: Iterable[int]) -> dict[int, str]:
        """Return a copy of the elements among ``numbers``."""
        return {n: self.elements[n] for n in sorted(numbers) if n in self.elements}

    def without(self, *numbers: int) -> "IsoMessage":
        """Return the message less some elements."""
        return IsoMessage.owning(
            self.mti, {n: value for n, value in self.elements.items() if n not in numbers}
        )

    def with_element(self, number: int, value: str) -> "IsoMessage":
        """Return the message with one element put in."""
        return IsoMessage.owning(self.mti, {**self.elements, number: value})


_new = object.__new__
_set = object.__setattr__
