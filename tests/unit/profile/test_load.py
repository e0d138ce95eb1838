"""Reading a profile: what extends what, and every way a file may be no profile at all."""

import pytest

from atm_switch.profile.load import EXTENDS_MAX, SECTIONS, ProfileWrong, load_profile
from atm_switch.profile.model import Show
from atm_switch.profile.shipped import profile_text, shipped_profiles
from tests.unit.profile.variant import DEFAULT, problems_of, variant, without


@pytest.mark.parametrize("name", shipped_profiles())
def test_every_shipped_profile_loads(name: str) -> None:
    """
    What ships has no problem, and is named as its file.
    """
    assert name == load_profile(name).name


def test_profile_that_says_what_it_said_is_the_same_object() -> None:
    """
    Forms, plans and packers are kept by it: one read anew at each SIGHUP would have its own.
    """
    texts = {name: profile_text(name) for name in shipped_profiles()}
    before = load_profile("bpjstk-jht-v1-bcd", texts.__getitem__)
    again = load_profile("bpjstk-jht-v1-bcd", texts.__getitem__)
    texts["bpjstk-jht-v1"] += "\n# another text of what it extends\n"

    assert before is again
    assert again is not load_profile("bpjstk-jht-v1-bcd", texts.__getitem__)


def test_default_profile_is_that_of_the_design() -> None:
    """
    Two bytes big-endian, ASCII, hexadecimal bitmap, DE48 of 40 and of 153 characters.
    """
    profile = load_profile(DEFAULT)

    assert ("binary-big-endian", 2) == (profile.framing.length, profile.framing.length_bytes)
    assert ("ascii", "hex") == (profile.encoding.text, profile.encoding.bitmap)
    lengths = {name: sum(f.length for f in rows) for name, rows in profile.layouts.items()}
    assert {"inquiry_request": 40, "inquiry_response": 153} == lengths


@pytest.mark.parametrize("number", [14, 35, 45, 52, 53, 55, 64, 128])
def test_secrets_of_the_default_profile_are_hidden(number: int) -> None:
    """
    What PCI DSS calls sensitive authentication data is never shown, logged or kept.
    """
    assert Show.HIDDEN is load_profile(DEFAULT).elements[number].show


def test_extension_changes_its_own_keys_only() -> None:
    """
    Tables are laid over the other's key by key; all else stays.
    """
    below = load_profile(DEFAULT)

    above = variant("[framing]\nlength_bytes = 4\n[inquiry]\nreceipt_widths = [40]\n")

    assert (4, 2) == (above.framing.length_bytes, below.framing.length_bytes)
    assert (40,) == above.inquiry.receipt_widths
    assert below.framing.length == above.framing.length
    assert below.elements == above.elements


def test_extensions_may_stand_on_each_other() -> None:
    """
    The page nearest to the name asked for has the last word.
    """
    pages = {
        "top": 'extends = "middle"\ntitle = "top"\n',
        "middle": f'extends = "{DEFAULT}"\ntitle = "middle"\n[inquiry]\npin_tries_max = 5\n',
    }

    profile = load_profile("top", lambda name: pages.get(name) or profile_text(name))

    assert ("top", 5) == (profile.title, profile.inquiry.pin_tries_max)


def test_profiles_extending_in_a_circle_are_refused() -> None:
    """
    A circle is found after a few steps, and said.
    """
    asked: list[str] = []

    def text_of(name: str) -> str:
        asked.append(name)
        return 'extends = "left"\n' if name == "right" else 'extends = "right"\n'

    with pytest.raises(ProfileWrong, match="in a circle"):
        load_profile("left", text_of)

    assert EXTENDS_MAX + 1 == len(asked)


def test_unknown_profile_is_told_what_ships() -> None:
    """
    The refusal lists the names there are.
    """
    with pytest.raises(ProfileWrong, match=f"no profile 'nobody' ships; there are .*{DEFAULT}"):
        load_profile("nobody")


def test_profile_that_is_not_toml_is_refused() -> None:
    """
    The refusal has the line of the first mistake.
    """
    with pytest.raises(ProfileWrong, match=r"is not TOML: .*line 2"):
        load_profile("page", lambda _: 'name = "page"\nhe said\n')


def test_profile_that_is_not_utf8_is_refused() -> None:
    """
    A file in another encoding is a problem of the profile, not a crash.
    """
    with pytest.raises(ProfileWrong, match="is not UTF-8 text"):
        load_profile("page", lambda _: b"\xff\xfe".decode("utf-8"))


def test_profile_that_cannot_be_read_is_refused() -> None:
    """
    A file the system refuses to open is a problem of the profile, not a crash.
    """

    def text_of(name: str) -> str:
        raise PermissionError(name)

    with pytest.raises(ProfileWrong, match="profile page: page"):
        load_profile("page", text_of)


def test_empty_profile_misses_every_section() -> None:
    """
    All missing sections are named at once, none twice.
    """
    with pytest.raises(ProfileWrong) as caught:
        load_profile("empty", lambda _: "")

    assert tuple(f"{name} is missing" for name in sorted(SECTIONS)) == caught.value.problems


def test_unknown_section_is_named() -> None:
    """
    A mistyped section is an error, never ignored.
    """
    assert ("framming is not a section of a profile",) == problems_of("[framming]\nlength = 2\n")


def test_problems_of_several_sections_come_together() -> None:
    """
    One run of the check shows all there is to mend.
    """
    changes = '[framing]\nlength_byte = 2\n[outcomes]\nlost = { code = "99" }\n[texts.ID]\nstan = 1'

    assert (
        "framing.length_byte is not known here",
        "outcomes.lost is no outcome of the switch",
        "texts.ID.stan must be a text",
    ) == problems_of(changes)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("length_bytes", "framing.length_bytes is missing"),
        ('mti = "text"', "encoding.mti is missing"),
        ("sign_off", "network.sign_off is missing"),
        ("currency", "inquiry.currency is missing"),
    ],
)
def test_missing_key_is_named_with_its_table(line: str, problem: str) -> None:
    """
    No key has a default in code: what the file does not say is an error.
    """
    assert (problem,) == without(line)


def test_section_that_is_no_table_is_refused() -> None:
    """
    A whole section replaced by a word is told as a wrong shape.
    """
    with pytest.raises(ProfileWrong, match="wrong shape"):
        load_profile("page", lambda _: "\n".join(f"{name} = 1" for name in sorted(SECTIONS)))


def test_refusal_names_the_profile_on_every_line() -> None:
    """
    An operator with several profiles sees which one is meant.
    """
    with pytest.raises(ProfileWrong) as caught:
        load_profile("empty", lambda _: "")

    lines = str(caught.value).splitlines()
    assert len(SECTIONS) == len(lines)
    assert all(line.startswith("profile empty: ") for line in lines)
