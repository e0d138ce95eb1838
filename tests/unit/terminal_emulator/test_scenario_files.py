"""Scenario files become cases; every mistake is named by file, case, step and key."""

from pathlib import Path

import pytest

from atm_switch.profile.shipped import specs_folder
from terminal_emulator.cli.entry import main
from terminal_emulator.scenario.model import Case, Step
from terminal_emulator.scenario.read import ScenarioWrong, read_cases
from terminal_emulator.scenario.target import Role, Target

TARGET = Target({"approved": Role("9990090000000012", "1234", "12345678901")})
ECHO = '[[case.step]]\ndo = "echo"\n'


def read(text: str, seed: str = "1") -> list[Case]:
    """The cases of a file."""
    return read_cases(text, "mine.toml", TARGET.fact, seed)


def step(line: str) -> str:
    """A file of one case with one step."""
    return f'[[case]]\nname = "x"\n[[case.step]]\n{line}\n'


def test_rows_of_a_table_become_cases() -> None:
    """Each with its own values, numbers staying numbers; those of the row go before others."""
    cases = read(
        '[vars]\nlanguage = "EN"\nwidth = 40\n'
        '[[case]]\nname = "${width} ${language}"\neach = [{ width = 32 }, { language = "ID" }]\n'
        '[[case.step]]\ndo = "inquire"\ndata = { width = "${width}" }\n'
    )

    assert ["32 EN", "40 ID"] == [case.name for case in cases]
    assert [32, 40] == [case.steps[0].data["width"] for case in cases]


def test_tags_of_file_and_case_are_joined() -> None:
    """A case has both."""
    case = read(f'tags = ["a"]\n[[case]]\nname = "x"\ntags = ["b"]\n{ECHO}')[0]

    assert {"a", "b"} == case.tags


def test_same_seed_draws_the_same_values() -> None:
    """Digits, hexadecimal and letters, of the length asked for; another seed draws others."""
    text = f'[[case]]\nname = "${{digits:8}} ${{hex:4}} ${{letters:3}}"\n{ECHO}'

    first, again, other = (read(text, seed)[0].name for seed in ("7", "7", "8"))

    assert first == again != other
    assert [8, 4, 3] == [len(word) for word in first.split()]


def test_facts_are_put_into_rows_and_remembered() -> None:
    """A fact in a row is put in too, and the case knows what it needs of a target."""
    case = read(
        '[[case]]\nname = "x"\neach = [{ who = "${kpj.approved}" }]\n'
        '[[case.step]]\ndo = "inquire"\ncard = "bpu"\nexpect = { no_text = "${who}" }\n'
    )[0]

    assert case.steps[0].expect is not None
    assert "12345678901" == case.steps[0].expect.no_text
    assert {"kpj.approved", "card.bpu"} == case.needs
    assert ["card.bpu"] == TARGET.lacks(case.needs)


def test_wrong_pins_make_a_step_a_guess() -> None:
    """Those are not played at the same time as others of the card; a card's own PIN is none."""
    lines = ('pin = "0000"', 'set = { 52 = "00" }', 'pin_key = "other"', 'card = "bpu"', 'pin = ""')

    guesses = [read(step(f'do = "inquire"\n{line}'))[0].steps[0].guesses for line in lines]

    assert [True, True, True, False, False] == guesses


def test_nothing_secret_is_in_the_repr_of_a_case() -> None:
    """Neither PIN nor PAN."""
    case = read(step('do = "inquire"\npin = "4711"\nset = { 2 = "9990090000000012" }'))[0]

    assert "4711" not in repr(case)
    assert "9990090000000012" not in repr(case)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "mine.toml: there is no [[case]]"),
        ("[[case]\n", "mine.toml: "),
        ('colour = 1\n[[case]]\nname = "x"\n', "'colour' is not known; there are case, tags"),
        ('tags = "a"\n[[case]]\nname = "x"\n', "tags is a list of words"),
        ("vars = 3\n[[case]]\n", "mine.toml: vars is a table"),
        ("[[case]]\n", "case 1: a case has a name"),
        ('[[case]]\nname = "x"\n', "case 1 'x': there is no [[case.step]]"),
        (f'[[case]]\nname = "x"\neach = []\n{ECHO}', "each is a list of tables"),
        (f'[[case]]\nname = "x"\nsign_on = 1\n{ECHO}', "sign_on is true or false"),
        (f'[[case]]\nname = "x"\nrepeat = 0\n{ECHO}', "repeat is a whole number from 1"),
        (f'[[case]]\nname = "${{who}}"\n{ECHO}', "nothing is called ${who}"),
        (f'[[case]]\nname = "${{card.rich}}"\n{ECHO}', "nothing is called ${card.rich}"),
        (f'[[case]]\nname = "x"\n{ECHO}' * 2, "two cases are called 'x'"),
        (step("pin = 1"), "there is no do"),
        (step('do = "dance"'), "case 1 'x', step 1: do is one of inquire"),
        (step('do = "echo"\ncolour = 1'), "step 1: 'colour' is not known; there are again"),
        (step('do = "echo"\nmac = "half"'), "mac is one of right, wrong"),
        (step('do = "echo"\nset = { pan = "1" }'), "set holds 'pan', which is no number of"),
        (step('do = "echo"\nunset = [129]'), "unset holds 129, which is no number of"),
        (step('do = "echo"\nunset = 48'), "unset is a list of numbers"),
        (step('do = "raw"\nhex = "0g"'), "hex is hexadecimal, two digits for each byte"),
        (step('do = "echo"\nsplit = "half"'), 'split is a list of offsets, or "every"'),
        (step('do = "echo"\nreplace = ["a", "b"]'), "replace is a list of pairs of texts"),
        (step('do = "echo"\ndrip = -1'), "drip is a number of seconds from 0"),
        (step('do = "echo"\nskew = "late"'), "skew is a number of seconds"),
        (step('do = "echo"\ntimes = 1.5'), "times is a whole number"),
        (step('do = "echo"\nhold = "yes"'), "hold is true or false"),
        (step('do = "echo"\npin = 1234'), "pin is a text"),
        (step('do = "repeat"\nagain = "first"'), "no step before it has save = 'first'"),
        (step('do = "repeat"'), "no step before it has save = ''"),
        (step('do = "echo"\nexpect = { same_as = "a" }'), "no step before it has save = 'a'"),
        (step('do = "echo"\nexpect = 1'), "step 1, expect: is no table"),
        (
            step('do = "echo"\nexpect = { cod = "00" }'),
            "expect: 'cod' is not known; did you mean 'code'?",
        ),
        (step('do = "inquire"\ncrad = "x"'), "step 1: 'crad' is not known; did you mean 'card'?"),
        (step('do = "echo"\nexpect = { outcome = "good" }'), "outcome is one of approved"),
        (step('do = "echo"\nexpect = { answers = -1 }'), "answers is a whole number from 0"),
        (step('do = "echo"\nexpect = { matches = { 48 = "(" } }'), "no regular expression for"),
    ],
)
def test_mistakes_of_a_file_are_named(text: str, sentence: str) -> None:
    """Where it stands, and what there could be instead."""
    with pytest.raises(ScenarioWrong) as told:
        read(text)

    assert sentence in str(told.value)


def test_mistakes_of_all_steps_are_told_at_once() -> None:
    """A line for each step that has one, whatever case it is in; the others are read on."""
    wrong = '[[case.step]]\ndo = "dance"\n'
    text = f'[[case]]\nname = "x"\n{wrong}{ECHO}{wrong}[[case]]\nname = "y"\n{ECHO}{wrong}'

    with pytest.raises(ScenarioWrong) as told:
        read(text)

    assert ["case 1 'x', step 1", "case 1 'x', step 3", "case 2 'y', step 2"] == [
        line.split(": ")[1] for line in str(told.value).split("\n")
    ]


def test_folder_without_scenarios_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not the sentence for those who named nothing: where was looked, and for what."""
    code = main(["scenario", "check", str(tmp_path)])

    assert 1 == code
    assert f"there is no scenario (*.toml) in {tmp_path}; one to begin" in capsys.readouterr().err


def test_every_shipped_case_names_its_rule() -> None:
    """All files of the suite are read; each case says what it proves, and expects something."""
    folder = specs_folder() / "conformance"
    files = [path for path in sorted(folder.glob("*.toml")) if path.name != "example.toml"]

    cases = [one for path in files for one in read(path.read_text(encoding="utf-8"))]

    assert 300 <= len(cases)
    assert [] == [one.name for one in cases if not one.proves]
    assert [] == [one.name for one in cases if not any(map(_is_judged, one.steps))]


def _is_judged(one: Step) -> bool:
    return one.expect is not None or one.do in ("echo", "sign-on", "sign-off", "repeat")
