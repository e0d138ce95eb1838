"""Variants of the default profile: a page of changes laid over it, or a line taken out."""

from atm_switch.profile.load import ProfileWrong, load_profile
from atm_switch.profile.model import Profile
from atm_switch.profile.shipped import profile_text

DEFAULT = "bpjstk-jht-v1"
HEAD = f'extends = "{DEFAULT}"\nname = "variant"\n'


def variant(changes: str) -> Profile:
    """Load the default profile with ``changes``, a page of TOML, laid over it."""

    def text_of(name: str) -> str:
        return HEAD + changes if name == "variant" else profile_text(name)

    return load_profile("variant", text_of)


def problems_of(changes: str) -> tuple[str, ...]:
    """Return the problems of such a variant; none for one that loads."""
    try:
        variant(changes)
    except ProfileWrong as wrong:
        return wrong.problems
    return ()


def without(line: str) -> tuple[str, ...]:
    """Return the problems of the default profile less every line that begins with ``line``."""
    kept = [text for text in profile_text(DEFAULT).splitlines() if not text.startswith(line)]
    return _problems_of_page("\n".join(kept))


def rewritten(old: str, new: str) -> tuple[str, ...]:
    """Return the problems of the default profile with ``old`` written as ``new``."""
    assert old in profile_text(DEFAULT)
    return _problems_of_page(profile_text(DEFAULT).replace(old, new))


def _problems_of_page(page: str) -> tuple[str, ...]:
    try:
        load_profile("page", lambda _: page)
    except ProfileWrong as wrong:
        return wrong.problems
    return ()
