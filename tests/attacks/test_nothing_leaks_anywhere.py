"""No sink of a running switch holds a card number, PIN, PIN block, track, key or NIK.

Real processes under ``--mac required``: all of ``canary_traffic``, a kill in the middle, a
restart, a ledger damaged under the switch, keys changed over the line and by command, and
every command with secrets typed in the wrong place.  Then each file the switch wrote and
each line it or a command said is searched, for every canary in every disguise.
Not searched is what holds secrets by design: the sample's CSV files and the lab's terminal
kits in the folder, the master beside it, and the rejects file an operator asks for.
"""

import io
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from atm_switch.cli import main
from tests.attacks import canary_traffic as sent
from tests.doubles.canaries import Canary, hits
from tests.doubles.served import Served, make_folder, run, serve
from tests.doubles.talk import HungUp, Talk

SECRET_BY_DESIGN = ("sample", "terminal-kit")
COMPONENTS = ("3D19C4F2A86B0E57D0499EE36B2C75B0", "76543210FEDCBA98AB54CD32EF671023")
STRAY_KEY = "8EB92D641BD509FA3A6461283EED1582"
ALL_CODES = {
    "00", "12", "13", "14", "30", "31", "40", "54", "55", "56", "62", "63", "68", "75", "88",
}  # fmt: skip
PAGE = 4096


@dataclass
class Run:
    """What was sent, written and said."""

    folder: Path
    canaries: list[Canary]
    codes: set[str] = field(default_factory=set)
    exchanged: list[str] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    said: dict[str, bytes] = field(default_factory=dict)

    def photograph(self, when: str) -> None:
        """Keep every file of the folder as it is now, write-ahead logs among them."""
        for path in sorted(self.folder.rglob("*")):
            inside = path.relative_to(self.folder)
            if not path.is_file() or inside.parts[0].startswith(SECRET_BY_DESIGN):
                continue
            content = path.read_bytes()
            if content not in self.files.values():
                self.files[f"{inside} {when}"] = content

    def command(self, *words: str | Path, typed: str = "", module: str = "atm_switch") -> int:
        """Run one command, keep what it says, and return its exit code."""
        done = run(*words, typed=typed, module=module)
        self.said[f"{len(self.said)} {module} {words[0]} {words[1:2]}"] = (
            done.stdout + done.stderr
        ).encode()
        return done.returncode

    def mistake(self, *words: str | Path) -> None:
        """Run a command that will be refused, in this process: there are many."""
        said = io.StringIO()
        with redirect_stdout(said), redirect_stderr(said):
            main([str(word) for word in words])
        self.said[f"{len(self.said)} {words[:2]}"] = said.getvalue().encode()

    def look_around(self) -> None:
        """Read the folder with every command that shows something."""
        for words in (
            ("journal", "tail", "-n", "1000"), ("journal", "verify"), ("journal", "show"),
            ("audit", "tail", "-n", "1000"), ("audit", "verify"), ("audit", "export"),
            ("config", "show"), ("config", "check"), ("keys", "list"), ("ledger", "show"),
        ):  # fmt: skip
            of = {("journal", "show"): ["518107000101"], ("ledger", "show"): ["12345678901"]}
            assert 0 == self.command(*words[:2], self.folder, *words[2:], *of.get(words[:2], []))


def settle(folder: Path, log_format: str) -> None:
    """Let a link misbehave as it likes, and log all there is."""
    text = (folder / "switch.toml").read_text().partition("\n[limits]")[0]
    limits, log = "bad_frames_per_minute = 0", f'format = "{log_format}"\nlevel = "debug"'
    more = f"\n[limits]\n{limits}\n\n[log]\n{log}\n"
    (folder / "switch.toml").write_text(text + more)


def converse(served: Served, whole: Run, first_stan: int) -> None:
    """Say everything on one link, and change keys on it."""
    with Talk.of(served.port, whole.folder) as talk:
        conversation = sent.Conversation(talk, first_stan)
        whole.codes |= conversation.say_all()
        whole.exchanged += conversation.exchange_keys()
        whole.codes.add(
            talk.ask(conversation.make({2: sent.PAN, 52: talk.pin_block(sent.LONG_PIN, sent.PAN)}))[
                39
            ]
        )
        whole.canaries += conversation.canaries


def kill_in_the_middle(served: Served, whole: Run) -> None:
    """Kill the switch while it has more to answer than it has answered."""
    with Talk.of(served.port, whole.folder) as talk:
        conversation = sent.Conversation(talk, 5000)
        for message in [*conversation.approvals(), *conversation.declines()] * 5:
            talk.say(talk.keys.pack(message, talk.packager))
        talk.hear()
        served.process.kill()
        served.process.wait()
        with suppress(HungUp):
            while True:
                talk.hear()
        whole.canaries += conversation.canaries


def damage_under_way(served: Served, whole: Run) -> None:
    """Overwrite the ledger under the running switch and ask on."""
    ledger = whole.folder / "ledger.db"
    sound = ledger.read_bytes()
    with Talk.of(served.port, whole.folder) as talk:
        conversation = sent.Conversation(talk, 7000)
        with ledger.open("r+b") as file:
            file.seek(PAGE)
            file.write(b"\xa5" * (len(sound) - PAGE))
        for card in sent.CARDS[:3]:
            block = conversation.block(card.pin, card.pan.digits)
            message = conversation.make(
                {2: card.pan.digits, 52: block, 35: f"{card.pan.digits}=3012101"}
            )
            whole.codes.add(talk.ask(message)[39])
        assert 0 != whole.command("ledger", "show", whole.folder, "12345678901")
        assert 0 != whole.command(
            "cards", "link", whole.folder, whole.folder / "sample" / "cards.csv"
        )
        whole.canaries += conversation.canaries
    ledger.write_bytes(sound)


def change_keys_by_command(whole: Run) -> None:
    """Form, draw, carry out and take in keys; also wrong ones."""
    folder, line = whole.folder, ("--acquirer", "009", "--terminal", "S1ABC777")
    typed = "".join(f"{component}\n" for component in COMPONENTS)
    whole.canaries += [Canary("component", one) for one in (*COMPONENTS, STRAY_KEY)]
    assert 0 == whole.command("keys", "ceremony", folder, *line, typed=typed)
    assert 0 == whole.command("keys", "generate", folder, *line, "--usage", "mac")
    assert 0 == whole.command("keys", "export", folder, *line, "--usage", "mac")
    for wrong in (STRAY_KEY, f"{STRAY_KEY}\n{STRAY_KEY[:-1]}", sent.PAN):
        assert 0 != whole.command("keys", "ceremony", folder, *line, "--replace", typed=wrong)
        assert 0 != whole.command("keys", "import", folder, *line, "--usage", "pin", typed=wrong)


def mistakes(folder: Path) -> Iterator[tuple[str | Path, ...]]:
    """Type secrets where they do not belong."""
    for secret in (sent.PAN, sent.TRACK_2, STRAY_KEY, sent.NIK, sent.LONG_PIN):
        yield "journal", "tail", secret
        yield "journal", "show", folder, secret
        yield "ledger", "show", folder, secret
    pan, other = sent.PAN, ("--acquirer", "009")
    yield from (
        (pan,), ("init", f"{folder}/{pan}/x", "--listen", pan),
        ("config", "check", pan), ("profile", "doc", pan), ("cards", "pvv", pan),
        ("journal", "tail", folder, "-n", pan), ("ledger", "import", folder, f"{pan}.csv"),
        ("cards", "link", folder, pan), ("acquirer", "add", folder, pan, "--name", "X"),
        ("journal", "report", folder, "--date", "2026-01-01", "--acquirer", pan),
        ("journal", "report", folder, "--date", pan, *other),
        ("audit", "verify", folder, "--expect", pan),
        ("keys", "generate", folder, "--acquirer", pan, "--usage", "mac"),
        ("keys", "generate", folder, *other, "--usage", STRAY_KEY),
        ("keys", "import", folder, *other, "--usage", "pin", STRAY_KEY),
    )  # fmt: skip


def mistaken_files(folder: Path) -> Iterator[tuple[str | Path, ...]]:
    """Import files whose every row is wrong, with secrets in whatever column."""
    kpj, pan, nik = "12345678901", sent.PAN, sent.NIK
    cards = (
        "pan,expiry,kpj,pvv,pvki,status",
        f"{sent.BAD_PAN},3012,{kpj},1234,1,active",
        f"{sent.TRACK_2},3012,{kpj},1234,1,active",
        f"3012,{pan},{kpj},{sent.LONG_PIN},1,active",
        f"{pan},3012,{nik},1,1,{STRAY_KEY}",
    )
    people = (
        "kpj,nik,name,birth_date,segment,status",
        f"{kpj},{nik}1,BUDI,1985-03-12,PU,A",
        f"{nik},{kpj},BUDI,1985-03-12,PU,A",
        f"{kpj},{nik},BUDI,{pan},PU,{sent.TRACK_2}",
    )
    for name, rows, words in (
        ("cards.csv", cards, ("cards", "link")), ("people.csv", people, ("ledger", "import")),
    ):  # fmt: skip
        file = folder.parent / f"wrong-{name}"
        file.write_text("\n".join(rows) + "\n")
        yield (*words, folder, file)
        yield (*words, folder, file, "--skip-bad", folder.parent / f"rejects-{name}")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Do it all."""
    folder = make_folder(tmp_path_factory.mktemp("leak"), "--mac", "required")
    told = Run(folder, [*sent.fixed_canaries(), *sent.folder_canaries(folder)])
    settle(folder, "json")
    with serve(folder) as served:
        converse(served, told, 100)
        told.photograph("while serving")
        told.look_around()
        kill_in_the_middle(served, told)
        told.photograph("after the kill")
    settle(folder, "text")
    with serve(folder) as served:
        damage_under_way(served, told)
    change_keys_by_command(told)
    for words in (*mistakes(folder), *mistaken_files(folder)):
        told.mistake(*words)
    told.command("serve", sent.PAN)
    for words in (("inquire", "--kit"), ("echo",), ("inquire", "--profile")):
        told.command(*words, sent.PAN, "--pan", sent.PAN, module="terminal_emulator")
    told.look_around()
    told.said["log"] = served.log.read_bytes()
    told.photograph("in the end")
    told.canaries += sent.folder_canaries(folder)
    return told


def test_whole_traffic_took_place(whole: Run) -> None:
    """
    All of it happened: every outcome, the exchange of keys, damage answered, rows and log
    lines written; without that an empty search would prove nothing.
    """
    names = {name.split()[0] for name in whole.files}

    assert ALL_CODES <= whole.codes
    assert {"91", "96"} & whole.codes
    assert ["00", "pin_key", "mac_key", "00", "00", "30"] == whole.exchanged
    assert {"journal.db", "journal.db-wal", "ledger.db", "keys.sealed", "switch.toml"} <= names
    assert b"999009******0012" in whole.said["log"]
    assert 100 < whole.said["log"].count(b"\n")


def test_no_file_of_the_folder_holds_a_canary(whole: Run) -> None:
    """
    Databases, write-ahead logs, sealed keys and settings, while serving, after a kill and
    in the end: nothing, in any disguise.
    """
    assert [] == hits(whole.files, whole.canaries)


def test_nothing_said_to_operators_holds_a_canary(whole: Run) -> None:
    """
    The log and everything commands print, in success and in failure: nothing, and no
    traceback.
    """
    assert [] == hits(whole.said, whole.canaries)
    assert [] == [name for name, said in whole.said.items() if b"Traceback" in said]


def test_search_would_have_found_them(whole: Run) -> None:
    """
    The control: what is left out of the search because it holds secrets by design does hold
    them, and the search finds them there.
    """
    kit = whole.folder / "terminal-kit.json"
    cards = whole.folder / "sample" / "cards.csv"

    found = hits({"kit": kit.read_bytes(), "cards": cards.read_bytes()}, whole.canaries)

    assert {"kit", "cards"} == {sink for sink, _, _ in found}
