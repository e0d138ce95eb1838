"""Message type identifiers: version, class, function, origin (ISO 8583:1987, 4.1).

Only a request (function 0) or an advice (2) is ever answered.  A response that were
answered would start a storm between two hosts that both do so.
"""

import re
from functools import lru_cache

_ANSWERED = re.compile(r"[0-9][1-9][02][0-9]")
_RESPONSE = re.compile(r"[0-9]{2}[13][0-9]")


@lru_cache(maxsize=64)
def is_response(mti: str) -> bool:
    """Tell whether ``mti`` answers another message."""
    return _RESPONSE.fullmatch(mti) is not None


def is_answerable(mti: str) -> bool:
    """Tell whether ``mti`` asks for an answer at all."""
    return _ANSWERED.fullmatch(mti) is not None


@lru_cache(maxsize=64)
def response_mti(mti: str) -> str:
    """Return the MTI of the answer; a repeat (origin 1, 3, 5) is answered as its first.

    Raises ``ValueError`` for an MTI that is never answered.
    """
    if not is_answerable(mti):
        message = "this MTI is never answered"
        raise ValueError(message)
    return f"{mti[:2]}{int(mti[2]) + 1}{int(mti[3]) // 2 * 2}"
