"""Read a profile file and judge it: every problem at once, each with its place.

A profile may extend another: its tables are laid over the other's, key by key.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from atm_switch.domain.errors import Refused
from atm_switch.profile.judge import contradictions
from atm_switch.profile.model import (
    Encoding,
    Framing,
    InquiryRules,
    NetworkCodes,
    Profile,
    SecurityRules,
)
from atm_switch.profile.parts import (
    Problems,
    read_channels,
    read_elements,
    read_layouts,
    read_messages,
    read_outcomes,
    read_table,
    read_texts,
    read_words,
)
from atm_switch.profile.shipped import profile_text

PROFILES_KEPT = 16
EXTENDS_MAX = 4
"""A chain of profiles longer than this is taken for a circle."""

SECTIONS = frozenset(
    {
        "name", "title", "assumed", "framing", "encoding", "elements", "messages", "network",
        "inquiry", "channels", "layouts", "segments", "outcomes", "texts",
    }
)  # fmt: skip

OPTIONAL_SECTIONS = frozenset({"security"})
"""Sections that profiles of the first release do not have."""


class ProfileWrong(Refused):
    """A profile file cannot be used; ``problems`` has one line each."""

    def __init__(self, name: str, problems: list[str]) -> None:
        """Keep all problems; the text lists them."""
        super().__init__("\n".join(f"profile {name}: {problem}" for problem in problems))
        self.problems = tuple(problems)


def load_profile(name: str, text_of: Callable[[str], str] = profile_text) -> Profile:
    """Read the profile ``name``; ``text_of`` finds the text of a name.

    One that says what it said before is the same object: much is kept by it.
    Raises ``ProfileWrong`` with every problem found.
    """
    texts: dict[str, str] = {}

    def read(one: str) -> str:
        texts[one] = text_of(one)
        return texts[one]

    try:
        document = _document(name, read, EXTENDS_MAX)
    except tomllib.TOMLDecodeError as error:
        raise ProfileWrong(name, [f"is not TOML: {error}"]) from None
    except UnicodeDecodeError:
        raise ProfileWrong(name, ["is not UTF-8 text"]) from None
    except (LookupError, OSError) as error:
        raise ProfileWrong(name, [str(error)]) from None
    return _made(name, _Written(tuple(texts.items()), document))


@dataclass(frozen=True, slots=True)
class _Written:
    """A profile's texts with those it extends, and what they say together."""

    texts: tuple[tuple[str, str], ...]
    document: Mapping[str, Any] = field(compare=False)


@lru_cache(PROFILES_KEPT)
def _made(name: str, written: _Written) -> Profile:
    problems = Problems()
    try:
        profile = _profile(written.document, problems)
    except (TypeError, AttributeError, ValueError) as error:
        raise ProfileWrong(
            name, [*problems.lines, f"has a table of wrong shape: {error}"]
        ) from None
    if profile is None or problems.lines:
        raise ProfileWrong(name, problems.lines)
    wrong = contradictions(profile)
    if wrong:
        raise ProfileWrong(name, wrong)
    return profile


def _document(name: str, text_of: Callable[[str], str], left: int) -> dict[str, Any]:
    document = tomllib.loads(text_of(name))
    below = document.pop("extends", "")
    if not below:
        return document
    if left == 0:
        message = "profiles extend each other in a circle"
        raise LookupError(message)
    return _laid_over(_document(below, text_of, left - 1), document)


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        if isinstance(under, dict) and isinstance(value, dict):
            merged[key] = _laid_over(under, value)
        else:
            merged[key] = value
    return merged


def _profile(document: Mapping[str, Any], problems: Problems) -> Profile | None:
    for key in sorted(SECTIONS - document.keys()):
        problems.add(key, "is missing")
    for key in sorted(document.keys() - SECTIONS - OPTIONAL_SECTIONS):
        problems.add(key, "is not a section of a profile")
    if problems.lines:
        return None
    messages, refusal_echo = read_messages(document["messages"], problems)
    framing = read_table(Framing, document["framing"], "framing", problems)
    encoding = read_table(Encoding, document["encoding"], "encoding", problems)
    network = read_table(NetworkCodes, document["network"], "network", problems)
    inquiry = read_table(InquiryRules, document["inquiry"], "inquiry", problems)
    security: SecurityRules | None = SecurityRules()
    if "security" in document:
        security = read_table(SecurityRules, document["security"], "security", problems)
    if framing is None or encoding is None or network is None:
        return None
    if inquiry is None or security is None:
        return None
    return Profile(
        name=str(document["name"]),
        title=str(document["title"]),
        assumed=tuple(str(line) for line in document["assumed"]),
        framing=framing,
        encoding=encoding,
        elements=read_elements(document["elements"], problems),
        messages=messages,
        refusal_echo=refusal_echo,
        network=network,
        security=security,
        inquiry=inquiry,
        channels=read_channels(document["channels"], problems),
        layouts=read_layouts(document["layouts"], problems),
        segments=read_words(document["segments"], "segments", problems),
        outcomes=read_outcomes(document["outcomes"], inquiry.languages, problems),
        texts=read_texts(document["texts"], inquiry.languages, problems),
    )
