"""Read a text file that somebody named on the command line; what goes wrong is one sentence."""

from pathlib import Path

from atm_switch.domain.errors import Refused


def text_of_file(path: Path, instead: str) -> str:
    """Return the text of a file.

    Raises ``Refused`` with what is wrong and with ``instead``, what to do about it.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise Refused(f"{path}: {error.strerror}; {instead}") from None
    except UnicodeDecodeError:
        raise Refused(f"{path} is no text in UTF-8; {instead}") from None
