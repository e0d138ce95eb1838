"""The files of ``specs/``: beside the package in a checkout, inside it in a wheel.

Reading them is the only file access of this floor; they are part of the program.
"""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent
_PLACES = (_PACKAGE / "specs", _PACKAGE.parent / "specs")


def specs_folder() -> Path:
    """Return where ``specs/`` lies.  Raises ``FileNotFoundError`` in a broken install."""
    for place in _PLACES:
        if (place / "profiles").is_dir():
            return place
    message = "specs/ is missing: the installation is incomplete, install atm-switch again"
    raise FileNotFoundError(message)


def spec_text(name: str) -> str:
    """Return the text of a file named relative to ``specs/``."""
    return (specs_folder() / name).read_text(encoding="utf-8")


def shipped_profiles() -> tuple[str, ...]:
    """Name the profiles that ship, in order."""
    return tuple(sorted(path.stem for path in (specs_folder() / "profiles").glob("*.toml")))


def profile_text(name: str) -> str:
    """Return the text of a shipped profile.  Raises ``LookupError`` that names those there are."""
    if name not in shipped_profiles():
        message = f"no profile {name!r} ships; there are {', '.join(shipped_profiles())}"
        raise LookupError(message)
    return spec_text(f"profiles/{name}.toml")
