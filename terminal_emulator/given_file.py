"""Files that somebody named on the command line; what goes wrong with one is one sentence."""

import os
from collections.abc import Iterable
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


def require_writable(paths: Iterable[Path | None]) -> None:
    """Look before long work whether its reports can be written; those that are ``None`` are not.

    Raises ``Refused``.
    """
    for path in paths:
        if path is None:
            continue
        folder = path.parent
        if not folder.is_dir():
            raise Refused(f"{path} cannot be written: there is no folder {folder}; make it first")
        if path.is_dir() or not os.access(path if path.exists() else folder, os.W_OK):
            raise Refused(f"{path} cannot be written; name another file")
