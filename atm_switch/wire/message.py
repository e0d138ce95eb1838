"""One message: MTI and data elements, read but not judged.  It cannot be printed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class IsoMessage:
    """MTI of four digits and the elements by number.

    Every element is text; those of class ``b`` are upper-case hexadecimal.
    """

    mti: str
    elements: Mapping[int, str] = field(repr=False)

    def __post_init__(self) -> None:
        """Let nobody change the elements afterwards."""
        object.__setattr__(self, "elements", MappingProxyType(dict(self.elements)))

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
        return IsoMessage(
            self.mti, {n: value for n, value in self.elements.items() if n not in numbers}
        )

    def with_element(self, number: int, value: str) -> "IsoMessage":
        """Return the message with one element put in."""
        return IsoMessage(self.mti, {**self.elements, number: value})
