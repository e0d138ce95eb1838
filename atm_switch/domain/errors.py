"""Every error the switch raises on purpose, sorted by who must react.

* ``SwitchError``
    * ``WireError`` - the channel reacts
        * ``FramingError`` - the stream cannot be trusted any more: close the link
        * ``FormatError`` - one message is unreadable: answer DE39 30, keep the link
    * ``Declined`` - the corridor reacts: the outcome becomes DE39
    * ``NeighbourUnavailable`` - the corridor reacts: DE39 91 (ledger) or 96 (journal)
        * ``LedgerUnavailable``
            * ``LedgerRowWrong`` - it was read, and what it holds of one card or member is no sense
        * ``JournalUnavailable``
            * ``JournalRefusesRow`` - it can write, and never will this row: no second try helps
            * ``JournalRowWrong`` - it was read, and an answer it keeps of one request does not open
        * ``NeverAsked`` - the question did not reach the neighbour: what it cost is given back
    * ``Refused`` - the person at the command line reacts: one sentence, exit code 1
        * ``FileOutdated`` - a file is of an older release, and may be in use by it

No error text holds a PAN, a PIN, a key or a NIK; what a peer sent is named by its
data element and place, never quoted.
"""

from collections.abc import Mapping
from types import MappingProxyType

from atm_switch.domain.outcome import Outcome


class SwitchError(Exception):
    """Root of all errors raised on purpose."""


class WireError(SwitchError):
    """The bytes of a peer are not what the profile allows."""


class FramingError(WireError):
    """The length header cannot be true, so no later byte can be placed."""


class FormatError(WireError):
    """One framed message is unreadable.

    ``data_element`` is 0 for the MTI, 1 for the bitmap.  ``offset`` counts bytes from
    the start of the payload, -1 if unknown.  ``readable`` holds the elements that were
    read and checked before the failure (ISO 8583 number to text), so that an answer can
    echo them; ``mti`` is empty if not even that was readable.
    """

    def __init__(
        self,
        reason: str,
        *,
        data_element: int,
        offset: int = -1,
        mti: str = "",
        readable: Mapping[int, str] | None = None,
    ) -> None:
        """Keep the place and what was readable; the text names only the place."""
        super().__init__(f"DE{data_element:03d}: {reason}")
        self.reason = reason
        self.data_element = data_element
        self.offset = offset
        self.mti = mti
        self.readable: Mapping[int, str] = MappingProxyType(dict(readable or {}))


class Declined(SwitchError):
    """The transaction is refused; carries the outcome the terminal must see.

    ``reason`` is for our log only and names no secret; ``data_element`` is set where a
    single element is at fault (DE44 of a 30).
    """

    def __init__(self, outcome: Outcome, reason: str, *, data_element: int | None = None) -> None:
        """Keep the outcome for the wire and the reason for the log."""
        super().__init__(f"{outcome.value}: {reason}")
        self.outcome = outcome
        self.reason = reason
        self.data_element = data_element


class NeighbourUnavailable(SwitchError):
    """Somebody the switch depends on did not do its part in time."""


class LedgerUnavailable(NeighbourUnavailable):
    """The ledger or the registry cannot be read now."""


class LedgerRowWrong(LedgerUnavailable):
    """The ledger answered, with a row that makes no sense: every other may be sound."""


class JournalUnavailable(NeighbourUnavailable):
    """The journal cannot make a row durable now."""


class JournalSilent(JournalUnavailable):
    """The journal did not answer in time; it may do what was asked all the same."""


class JournalFull(JournalUnavailable):
    """There is no room for the row; the next one is tried all the same, and may find some."""


class JournalRefusesRow(JournalUnavailable):
    """The row itself is at fault: the journal takes any other, and never this one."""


class JournalRowWrong(JournalUnavailable):
    """The journal was read, and what it keeps of one request makes no sense."""


class NeverAsked(NeighbourUnavailable):
    """It is certain that the neighbour did not, and will not, act on the question.

    Raised where that is known and not merely likely: a question that was written and not
    answered is a plain ``NeighbourUnavailable``.
    """


class Refused(SwitchError):
    """A command cannot be carried out; the text says why and what to do next."""


class FileOutdated(Refused):
    """A file is of an older release, and it is not for whoever opens it to bring it up to date."""
