"""OPERATIONS.md says what is so: its commands, alerts, numbers, exit codes, files and links."""

import re
import shlex
from itertools import pairwise
from pathlib import Path

import click
import pytest

from atm_switch.adapters.key_file import CREDENTIAL
from atm_switch.adapters.service_manager import STOP_SECONDS_MAX
from atm_switch.child import GIVEN_UP, RESTARTS_MAX
from atm_switch.cli.entry import DONE, FAILED, MISCONFIGURED, cli
from atm_switch.cli.running import ENDING_SECONDS
from atm_switch.monitor import HANGS_SECONDS, JOURNAL_BAD_SECONDS
from atm_switch.process_place import OTHER_RELEASE
from atm_switch.profile.load import load_profile
from atm_switch.seat import LOST
from atm_switch.server.limits import LineLimits
from atm_switch.server.watch_page import AT_ONCE_MAX, REQUEST_SECONDS_MAX
from atm_switch.settings.model import Settings
from atm_switch.settings.sections import Limits
from atm_switch.switch.breaker import AGAIN_SECONDS, FAILURES_MAX
from tests.adapters.test_service_unit import UNIT, read_unit
from tests.house.test_operations import ALERTS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "OPERATIONS.md").read_text()
BLOCKS = re.findall(r"(?ms)^ *```(\w*)\n(.*?)^ *```$", PAGE)
SAID = [line.strip() for kind, block in BLOCKS if not kind for line in block.splitlines()]
COMMANDS = [
    *(line.partition("#")[0].removeprefix("sw ") for line in SAID if line.startswith("sw ")),
    *re.findall(r"`sw ([^`]+)`", PAGE),
    *re.findall(r"`((?:audit|cards|config|events|journal|keys|ledger) [a-z-]+)`", PAGE),
]
LINKS = [
    *re.findall(r"\]\(([^)]+)\)", PAGE),
    *re.findall(r"\]\((OPERATIONS\.md[^)]*)\)", (ROOT / "README.md").read_text()),
]
FILES = sorted(set(re.findall(r"`((?:specs|tests)/[\w/]+\.py)`", PAGE)))


@pytest.mark.parametrize("words", sorted(set(COMMANDS)))
def test_command_of_the_page_is_one(words: str) -> None:
    """It is there, with its options, and takes no fewer arguments than stand behind it."""
    left = shlex.split(re.sub(r"\$\([^)]*\)", "today", words))
    command: click.Command | None = cli
    while isinstance(command, click.Group):
        command = command.get_command(click.Context(command), left.pop(0))
    assert command is not None

    _, surplus, _ = command.make_parser(click.Context(command)).parse_args(left)

    assert [] == surplus


def test_patterns_find_what_they_are_meant_to_find() -> None:
    """None of the tests here is of nothing."""
    said = {" ".join(one.split()[:2]) for one in COMMANDS}
    assert {"config check", "events tail", "journal settle", "keys list"} <= said
    assert {"backup", "drain", "init", "migrate", "sessions", "status", "trace"} <= {
        one.split()[0] for one in said
    }
    assert 8 <= len(LINKS)
    assert 2 == len(FILES)


def test_every_alert_is_explained_once() -> None:
    """With its urgency, and how long it must last, as the rules have it; and no other is."""
    rules = ALERTS.read_text().split("- alert: ")[1:]
    wanted = [
        tuple(
            "".join(re.findall(pattern, rule))
            for pattern in (r"^\w+", r"severity: (\w+)", r"for: (\S+)")
        )
        for rule in rules
    ]

    assert wanted == re.findall(r"(?m)^\| (\w+) \| (page|ticket) \| (\w*) ?\| ", PAGE)


def test_settings_have_the_values_the_page_tells() -> None:
    """What stands in brackets behind ``[section] key`` is its value where nobody sets it."""
    settings = Settings.model_construct()
    told = re.findall(r"`\[(\w+)\] (\w+)` \((\d+)", PAGE)

    assert {("limits", "drain_seconds_max"), ("journal", "queue_max")} <= {one[:2] for one in told}
    for section, key, value in told:
        assert float(value) == getattr(getattr(settings, section), key), (section, key)


def test_limits_of_new_links_are_those_of_links() -> None:
    """The page names those that SIGHUP hands to doors and lines, and no others."""
    (named,) = re.findall(r"\| `\[limits\]`: ([^|]+) \| for links opened", PAGE)

    assert set(re.findall(r"\w+", named)) == set(Limits.model_fields) & set(
        LineLimits.__dataclass_fields__
    )


@pytest.mark.parametrize(
    "words",
    [
        f"not turned for {HANGS_SECONDS:g} seconds",
        f"up to {1 / AGAIN_SECONDS:g} times a second",
        f"no\nanswer for {JOURNAL_BAD_SECONDS:g} seconds",
        f"The ledger failed {FAILURES_MAX} times in a row",
        f"It serves {AT_ONCE_MAX} scrapers at once; each has {REQUEST_SECONDS_MAX:g} seconds",
        f"more than {RESTARTS_MAX} deaths of one a minute end the switch ({GIVEN_UP})",
        f"died more than {RESTARTS_MAX} times within a minute",
        f"and {STOP_SECONDS_MAX} seconds behind it",
        f"as long as its drain may take and {ENDING_SECONDS:g} seconds more",
        f"at {load_profile('bpjstk-jht-v1').inquiry.request_seconds_max:g} s (the profile's",
        f"`WatchdogSec={read_unit()['Service']['WatchdogSec']}`",
        f"be called `{CREDENTIAL}`",
    ],
)
def test_number_of_the_page_is_the_programs(words: str) -> None:
    """As the sources have it."""
    assert words.replace("\n", " ") in PAGE.replace("\n", " ")


def test_exit_codes_are_those_of_serve() -> None:
    """Each in a row, in order; systemd leaves it down where the unit says so."""
    rows = re.findall(r"(?m)^\| (\d+) \| .* \| (leaves it down|starts it again).* \|$", PAGE)

    codes = [DONE, FAILED, GIVEN_UP, LOST, OTHER_RELEASE, MISCONFIGURED]
    assert codes == [int(code) for code, _ in rows]
    assert [DONE, int(read_unit()["Service"]["RestartPreventExitStatus"])] == [
        int(code) for code, what in rows if what == "leaves it down"
    ]


def test_page_and_unit_speak_of_the_same_places() -> None:
    """The user, its folder, the program and the credential of the unit are those of the steps."""
    service, text = read_unit()["Service"], UNIT.read_text()
    program, _, folder = service["ExecStart"].split()

    # From a folder that the user may not enter `status` would not find `admin.sock`.
    assert f"sw() {{ (cd / && runuser -u {service['User']} -- {program} " in PAGE
    assert f"-m 0700 {service['ReadWritePaths']} " in PAGE
    assert f"sw init {folder} " in PAGE
    (credential,) = re.findall(r"(?m)^#LoadCredential=(\S+)$", text)
    assert CREDENTIAL == credential.partition(":")[0]
    assert f"-p LoadCredential={credential} " in PAGE


def test_name_of_every_backup_is_a_new_one() -> None:
    """``backup`` refuses a file that is there: a name that stays the same works once."""
    made = [line for line in SAID if line.startswith("sw backup") or "--file=" in line]

    assert 4 == len(made)
    assert all("-$(date +%F" in line for line in made)


@pytest.mark.parametrize("link", sorted(set(LINKS)))
def test_link_of_the_page_leads_somewhere(link: str) -> None:
    """To a file, and to a heading of it; so do README's to this page."""
    file, _, heading = link.partition("#")
    target = ROOT / (file or "OPERATIONS.md")

    assert target.exists()
    if heading:
        heads = re.findall(r"(?m)^#+ (.+)$", target.read_text())
        assert heading in {re.sub(r"[^\w -]", "", one).lower().replace(" ", "-") for one in heads}


@pytest.mark.parametrize("name", FILES)
def test_file_of_the_page_exists(name: str) -> None:
    """Who wants to see a claim proved finds its test."""
    assert (ROOT / name).is_file()


def test_steps_are_numbered_in_order() -> None:
    """One behind the other, as somebody follows them."""
    steps = [int(one) for one in re.findall(r"(?m)^(\d)\. \*\*", PAGE)]

    assert all(after in (before + 1, 1) for before, after in pairwise(steps))
