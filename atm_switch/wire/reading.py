"""Messages that know the payload they are from: elements are made when somebody asks.

Why: a host that echoes most of a request needs those bytes once more, and not the texts.
Limits: both kinds are messages like any other; only ``packager.py`` looks inside.
"""

from collections.abc import Mapping

from atm_switch.wire.layout import Layout
from atm_switch.wire.message import IsoMessage


class ReadMessage(IsoMessage):
    """A message read by a plan."""

    __slots__ = ("layout", "payload")

    layout: Layout
    payload: bytes

    def __init__(self, layout: Layout, payload: bytes) -> None:
        """Make the message of a payload that is sound under ``layout``."""
        self._mti = layout.mti
        self._known = None
        self.layout = layout
        self.payload = payload

    def _made(self) -> dict[int, str]:
        return self.layout.elements(self.payload)

    def answering(self, mti: str, echo: frozenset[int], put: Mapping[int, str]) -> IsoMessage:
        """Return a message of the elements among ``echo``, and of ``put``, which goes before."""
        return AnsweringMessage(self, mti, echo, tuple(put), tuple(put.values()))


class AnsweringMessage(IsoMessage):
    """A message made of one that was read, and of a few new values."""

    __slots__ = ("echo", "given", "request", "values")

    request: ReadMessage
    echo: frozenset[int]
    given: tuple[int, ...]
    values: tuple[str, ...]
    """Numbers and texts of the elements that are not the request's."""

    def __init__(
        self,
        request: ReadMessage,
        mti: str,
        echo: frozenset[int],
        given: tuple[int, ...],
        values: tuple[str, ...],
    ) -> None:
        """Put ``values`` before what is echoed."""
        self._mti = mti
        self._known = None
        self.request = request
        self.echo = echo
        self.given = given
        self.values = values

    def _made(self) -> dict[int, str]:
        return {**self.request.only(self.echo), **self._put()}

    def _put(self) -> dict[int, str]:
        return dict(zip(self.given, self.values, strict=True))

    def __getitem__(self, number: int) -> str:
        """Return an element that is known to be there; the others need not be made for it."""
        if number in self.given:
            return self.values[self.given.index(number)]
        if number in self.echo:
            return self.request[number]
        raise KeyError(number)

    def __contains__(self, number: int) -> bool:
        """Tell whether an element is there."""
        return number in self.given or (number in self.echo and number in self.request)

    def get(self, number: int, default: str = "") -> str:
        """Return an element, or ``default``."""
        return self[number] if number in self else default  # noqa: SIM401  it is this very one

    def without(self, *numbers: int) -> IsoMessage:
        """Return the message less some elements."""
        put = {number: value for number, value in self._put().items() if number not in numbers}
        return self._like(self.echo.difference(numbers), put)

    def with_element(self, number: int, value: str) -> IsoMessage:
        """Return the message with one element put in."""
        return self._like(self.echo, {**self._put(), number: value})

    def _like(self, echo: frozenset[int], put: dict[int, str]) -> IsoMessage:
        return AnsweringMessage(self.request, self._mti, echo, tuple(put), tuple(put.values()))
