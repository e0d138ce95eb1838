"""A scenario as values: cases of steps, each with what is expected of the host.

The fields have the names of the keys in a scenario file; ``terminal-emulator scenario
example`` explains each.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

VERBS = ("inquire", "sign-on", "sign-off", "echo", "request-keys", "network", "repeat")
"""Steps that send a message made by the terminal."""
OTHER_STEPS = ("raw", "connect", "hang-up", "reset", "half-close", "wait", "listen")
MACS = ("right", "wrong", "missing", "truncated", "other-key")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Expectation:
    """What the host is to do; ``None`` and empty: anything.  Not printable."""

    code: str | None = None
    outcome: str | None = None
    mti: str | None = None
    elements: Mapping[int, str] = field(default_factory=dict)
    present: tuple[int, ...] = ()
    absent: tuple[int, ...] = ()
    echoed: tuple[int, ...] = ()
    """Elements that come back as they went."""
    same_as: str | None = None
    """The name of a saved answer that this one is, byte for byte."""
    matches: Mapping[int, str] = field(default_factory=dict)
    """A regular expression for the whole of an element."""
    text: str | None = None
    """What screen or slip says somewhere."""
    no_text: str | None = None
    """What neither says anywhere."""
    screen: int | None = None
    slip: int | None = None
    """Columns of every line of DE62 and DE63."""
    adds_up: bool = False
    """DE48 can be read, its closing balance is the sum, and DE54 says the same."""
    fault: str | None = None
    """DE44."""
    within: float | None = None
    """Seconds."""
    answers: int = 1
    silent: float | None = None
    """Seconds in which nothing at all comes."""
    closed: bool = False
    """The host ends the link, after what it may answer."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Step:
    """One thing to do.  ``at`` is where it stands: case and number, for messages.

    Not printable: it may hold a PAN and a PIN.
    """

    do: str
    at: str
    expect: Expectation | None = None
    # the message
    card: str = "approved"
    pin: str | None = None
    """``None``: the card's own; empty: none is sent."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """Language, index, kpj, width: what DE48 asks."""
    mti: str | None = None
    code: str | None = None
    """DE70 of a network message."""
    set: Mapping[int, str] = field(default_factory=dict)
    unset: tuple[int, ...] = ()
    skew: float = 0.0
    """Seconds by which the terminal's clock is ahead."""
    mac: str = "right"
    """One of ``MACS``."""
    pin_key: str = "right"
    """``other``: the PIN block is under a key the host does not have."""
    save: str | None = None
    again: str | None = None
    """The name of a saved request to send once more; for ``repeat``."""
    # the bytes
    octets: bytes = b""
    replace: tuple[tuple[bytes, bytes], ...] = ()
    cut: int = 0
    append: bytes = b""
    length: int = 0
    """Added to what the length header says."""
    says: int | None = None
    """What the length header says, whatever follows it."""
    garbage: int = 0
    """So many bytes drawn from the seed, after ``octets``."""
    framed: bool = False
    """Put the length header before the bytes of a ``raw`` step."""
    # the wire
    split: tuple[int, ...] | str = ()
    """Offsets, or ``every``."""
    drip: float = 0.0
    """Seconds between single bytes."""
    times: int = 1
    """How often the frame is sent, in one write."""
    hold: bool = False
    """Keep the frame back, and write it together with the next one."""
    reorder: bool = False
    """Write what was kept back in the opposite order, this frame first."""
    late: float = 0.0
    """Seconds in which nothing is read after sending."""
    repeat: int = 1
    """How often the step is played."""
    seconds: float = 0.0
    """How long to wait; or to listen, to report what the host does of its own accord."""

    @property
    def guesses(self) -> bool:
        """Whether it may cost the card a PIN try."""
        return self.do == "inquire" and (
            bool(self.pin) or 52 in self.set or self.pin_key != "right"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One thing to prove."""

    name: str
    file: str
    proves: str = ""
    tags: frozenset[str] = frozenset()
    steps: tuple[Step, ...] = ()
    sign_on: bool = True
    """Connect and sign on before the first step."""
    repeat: int = 1
    needs: frozenset[str] = frozenset()
    """Facts of the target without which it cannot be played: ``card.bpu``, ``kpj.approved``."""
