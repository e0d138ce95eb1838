"""What an HSM's error codes mean, in words and in answers.

    00          yes, or done
    01          no: the PIN or MAC is wrong (of an imported key: it lacks odd parity)
    20, 24      the PIN block holds no PIN: not this key, or not this format
    the rest    no answer at all: nobody's wrong PIN and nobody's wrong MAC

Limits: the codes that are publicly known; another is shown as it is.
Why a key's faults are told apart on import only: there they are the sender's, and say
"this key is refused"; elsewhere they are ours.
"""

from atm_switch.adapters.hsm_commands import Answer, Command
from atm_switch.domain.errors import NeighbourUnavailable, NeverAsked
from atm_switch.switch.hsm_port import KeyRefused

DONE, WRONG = "00", "01"
_NO_PIN_INSIDE = ("20", "24")

_REASONS = {
    "01": "it does not verify, or lacks odd parity",
    "04": "unknown key type",
    "05": "unknown key length flag",
    "10": "the first key has wrong parity: another use, or another master key",
    "11": "the second key has wrong parity: another use, or another master key",
    "12": "its user storage is empty",
    "13": "its master key is not as it should be",
    "15": "it finds the input malformed",
    "17": "it is not in the authorised state",
    "20": "the PIN block holds no PIN",
    "22": "it does not take the account number",
    "23": "it does not know the PIN block format",
    "24": "the PIN is too short or too long",
    "26": "it does not take the key scheme",
    "27": "a key's length does not fit",
    "28": "it does not take the key type",
    "29": "it does not allow this use of the key",
    "39": "it suspects fraud and is locked",
    "41": "it is broken",
    "42": "its cipher failed",
    "47": "the algorithm is not licensed",
    "67": "the command is not licensed",
    "68": "the command is disabled",
    "69": "the PIN block format is disabled",
    "75": "the key is single length in disguise",
    "80": "it finds the data too long or too short",
    "83": "the key block is malformed",
    "84": "the key block's check value is wrong",
    "A1": "the keys are of different kinds of master key",
    "A4": "the key block is not authentic",
    "A5": "the key's length does not fit",
    "A6": "the key block is for another use",
    "A7": "the key block is of another algorithm",
    "A8": "the key block's mode of use does not fit",
    "A9": "the key block's version number does not fit",
    "AA": "the key block may not be exported",
    "AB": "the key block has too many optional blocks",
    "AC": "an optional block is malformed",
    "B2": "the key block is malformed",
    "BB": "the protecting key does not fit the key block",
}

_FAULTS_OF_KEYS = frozenset(
    {"01", "11", "15", "26", "27", "28", "29", "75", "83", "84", "B2", "BB"}
    | {"A4", "A5", "A6", "A7", "A8", "A9", "AA", "AB", "AC"}
)
"""What import answers where the block or the key in it is at fault."""


_NOT_LOOKED = frozenset(
    {"04", "05", "10", "11", "12", "13", "15", "17", "22", "23", "26", "27", "28", "29"}
    | {"39", "47", "67", "68", "69", "75", "80", "A1", "A5"}
)
"""Said of the command, its keys or the HSM's state, before any PIN is compared.

Left out on purpose: 41 and 42, where it broke on the way, and codes not known here.
"""


def words_for(error: str) -> str:
    """Return what an error code means, for people."""
    return f"{_REASONS.get(error, 'for a reason not known here')} (error {error})"


def require_done(command: Command, answer: Answer) -> None:
    """Raise ``NeighbourUnavailable`` unless the HSM did what was asked."""
    if answer.error != DONE:
        raise _refusal(command, answer)


def require_imported(command: Command, answer: Answer) -> None:
    """Raise ``KeyRefused`` for a key at fault, ``NeighbourUnavailable`` for the rest."""
    if answer.error in _FAULTS_OF_KEYS:
        raise KeyRefused(f"the HSM refuses the key: {words_for(answer.error)}")
    require_done(command, answer)


def require_known(command: Command, answer: Answer) -> None:
    """Raise ``KeyRefused`` where the HSM does not take the token it was asked about."""
    if answer.error in _NOT_LOOKED | {WRONG}:
        raise KeyRefused(f"the HSM does not take it: {words_for(answer.error)}")
    require_done(command, answer)


def is_right(command: Command, answer: Answer) -> bool:
    """Tell a yes from a no.  Raises ``NeighbourUnavailable`` for neither."""
    if answer.error == WRONG:
        return False
    require_done(command, answer)
    return True


def is_right_pin(command: Command, answer: Answer) -> bool | None:
    """Tell a right PIN from a wrong one; ``None`` where the block holds no PIN.

    Raises ``NeverAsked`` where the HSM turned the command down unlooked at.
    """
    if answer.error in _NOT_LOOKED:
        raise NeverAsked(str(_refusal(command, answer)))
    return None if answer.error in _NO_PIN_INSIDE else is_right(command, answer)


def _refusal(command: Command, answer: Answer) -> NeighbourUnavailable:
    return NeighbourUnavailable(f"the HSM refuses {command.code}: {words_for(answer.error)}")
