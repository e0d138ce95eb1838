"""No kind of line leaks: every dialect, policy, PIN block format and engine, every sink.

``test_nothing_leaks_anywhere`` goes deep on one line; this goes over all of them.  A real switch
is told all of ``canary_traffic`` on each, keys are changed where it has any, and then
everything is searched that it wrote or says: files, log, metrics page, admin socket, events,
report, exported audit, backup.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.attacks import canary_traffic as sent
from tests.doubles.brokers import free_port
from tests.doubles.canaries import Canary, hits
from tests.doubles.hardware import give_keys_to_hardware, hardware
from tests.doubles.served import Served, make_folder, run, serve
from tests.doubles.talk import Talk

OWN = 'extends = "bpjstk-jht-v1"\nname = "own"\ntitle = "own"\n[security]\n'
AES = 'mac_algorithm = "aes-cmac"\npin_block_formats = ["4"]\n'
LONG_BLOCK = '[elements]\n52 = { name = "PIN", class = "b", length = 16, show = "hidden" }\n'
SECRET_BY_DESIGN = ("sample", "terminal-kit.json")
SETTINGS = '\n[limits]\nbad_frames_per_minute = 0\n[log]\nlevel = "debug"\n'


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of line."""

    mac: str = "required"
    pin: str = "issuer"
    profile: str = ""
    """A profile that ships."""
    own: str = ""
    """Or one of its own, as text."""
    has_hardware: bool = False


KINDS = {
    "BCD": Kind(profile="bpjstk-jht-v1-bcd"),
    "EBCDIC, format 1": Kind(own=OWN.replace("-v1", "-v1-ebcdic") + 'pin_block_formats = ["1"]\n'),
    "format 4, AES-CMAC": Kind(own=OWN + AES + LONG_BLOCK),
    "bank verifies, no MAC": Kind(mac="off", pin="acquirer"),
    "hardware, format 3": Kind(own=OWN + 'pin_block_formats = ["3"]\n', has_hardware=True),
}


@dataclass
class Run:
    """What a line of one kind left behind."""

    kind: Kind
    codes: set[str]
    canaries: list[Canary]
    sinks: dict[str, bytes]


def prepared(root: Path, kind: Kind, metrics: int) -> Path:
    """Make a folder whose line is of this kind."""
    folder = make_folder(root, "--mac", kind.mac, "--pin", kind.pin)
    settings, kit = folder / "switch.toml", folder / "terminal-kit.json"
    name = "own.toml" if kind.own else kind.profile
    (folder / "own.toml").write_text(kind.own)
    page = f'[metrics]\nlisten = "127.0.0.1:{metrics}"\n'
    text = settings.read_text() + SETTINGS + page
    if name:
        text = text.replace('profile = "bpjstk-jht-v1"', f'profile = "{name}"')
        kit.write_text(kit.read_text().replace('"bpjstk-jht-v1"', f'"{name}"'))
    settings.write_text(text)
    for usage in ("exchange", "pin", "mac") if "aes" in kind.own else ():
        line = ("--acquirer", "009", "--usage", usage, "--replace")
        done = run("keys", "generate", folder, *line)
        assert 0 == done.returncode, done.stderr
    return folder


def said_of(folder: Path, metrics: int) -> Iterator[tuple[str, bytes]]:
    """Ask everything that shows something of a running switch."""
    for page in ("metrics", "healthz", "readyz"):
        try:
            with urlopen(f"http://127.0.0.1:{metrics}/{page}", timeout=90) as answer:
                yield page, answer.read()
        except HTTPError as not_ready:
            yield page, not_ready.read()
    today = f"{datetime.now(UTC).astimezone(timezone(timedelta(hours=7))):%Y-%m-%d}"
    for words in (
        ("status",), ("sessions",), ("trace", "518107000101"), ("events", "tail"),
        ("events", "status"), ("journal", "report", "--date", today, "--acquirer", "009"),
        ("journal", "tail", "-n", "1000"), ("journal", "verify"), ("audit", "export"),
        ("audit", "tail", "-n", "1000"), ("config", "show"), ("keys", "list"),
    ):  # fmt: skip
        at = 2 if words[0] in ("journal", "events", "audit", "config", "keys") else 1
        done = run(*words[:at], folder, *words[at:])
        yield " ".join(words), (done.stdout + done.stderr).encode()
    done = run("backup", folder, folder.parent / "kept.tar")
    assert 0 == done.returncode, done.stderr


def files_of(folder: Path, served: Served) -> Iterator[tuple[str, bytes]]:
    """Read every file the switch wrote."""
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.is_file() and inside.parts[0] not in SECRET_BY_DESIGN:
            yield str(inside), path.read_bytes()
    yield "backup", (folder.parent / "kept.tar").read_bytes()
    yield "log", served.log.read_bytes()


@pytest.fixture(scope="module", params=KINDS)
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Say everything on a line of one kind, and gather what there is of it."""
    kind, metrics = KINDS[request.param], free_port()
    folder = prepared(tmp_path_factory.mktemp("line"), kind, metrics)
    done = Run(kind, set(), [*sent.fixed_canaries(), *sent.folder_canaries(folder)], {})
    with ExitStack() as held:
        if kind.has_hardware:
            port, _ = held.enter_context(hardware())
            give_keys_to_hardware(folder, port, "lab")
        served = held.enter_context(serve(folder))
        with Talk.of(served.port, folder) as talk:
            conversation = sent.Conversation(talk, 100)
            done.codes |= conversation.say_all()
            if kind.mac == "required" and kind.pin == "issuer" and not kind.own:
                conversation.exchange_keys()
            done.canaries += conversation.canaries
            done.sinks |= dict(said_of(folder, metrics))
        done.sinks |= dict(files_of(folder, served))
    done.canaries += sent.folder_canaries(folder)
    return done


def test_traffic_took_place_on_the_line(whole: Run) -> None:
    """Approvals and declines of every kind of door: else an empty search would prove nothing."""
    by_pin = {"55", "75"} if whole.kind.pin == "issuer" else set()
    by_mac = {"63"} if whole.kind.mac == "required" else set()

    expected = {"00", "14", "30", "54", "56", "62"} | by_pin | by_mac
    assert not expected - whole.codes, " ".join(sorted(whole.codes))
    assert b"atm_switch_requests" in whole.sinks["metrics"]
    assert b"999009******0012" in whole.sinks["journal tail -n 1000"]
    assert b"signed_on_as" in whole.sinks["sessions"] or b"009" in whole.sinks["sessions"]


def test_no_sink_of_the_line_holds_a_canary(whole: Run) -> None:
    """Files, log, pages, commands, events and backup: nothing, in any disguise."""
    assert [] == hits(whole.sinks, whole.canaries)
    assert not [name for name, said in whole.sinks.items() if b"Traceback" in said]
