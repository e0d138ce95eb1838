"""The element in which a key travels: its check value and its key block, as the profile says."""

from dataclasses import dataclass

CHECK_DIGITS = 6


@dataclass(frozen=True, slots=True, repr=False)
class Delivery:
    """A key as a message carries it.  ``check`` is empty where the layout has none."""

    check: str
    block: str

    @property
    def usage(self) -> str:
        """What the block's header says of its key; hearsay until the block is opened."""
        return self.block[5:7]

    @classmethod
    def read(cls, text: str, layout: str) -> "Delivery":
        """Take the element apart."""
        if layout == "check+block":
            return cls(text[:CHECK_DIGITS], text[CHECK_DIGITS:])
        if layout == "block+check":
            return cls(text[-CHECK_DIGITS:], text[:-CHECK_DIGITS])
        return cls("", text)

    def text(self, layout: str) -> str:
        """Write the element."""
        parts = {"check+block": (self.check, self.block), "block+check": (self.block, self.check)}
        return "".join(parts.get(layout, (self.block,)))
