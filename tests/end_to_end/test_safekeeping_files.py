"""What of a folder a backup holds, what it names as not in it, and what is made of it again."""

import shutil
import tarfile
from pathlib import Path

import pytest

from atm_switch.adapters.file_copy import Report, copy_database
from atm_switch.cli import main
from atm_switch.folder import open_folder
from atm_switch.named_files import contents
from tests.doubles.machines import set_in
from tests.doubles.postgres import PostgresServer
from tests.doubles.served import make_folder

OPEN = {
    "rates.csv", "profiles/own.toml", "profiles/base.toml", "tls/hsm-ca.pem", "tls/hsm.pem",
    "tls/broker-ca.pem", "tls/broker.pem",
}  # fmt: skip
SECRET = ("tls/hsm.key", "tls/broker.key", "broker-password")
HEART = {"manifest.json", "switch.toml", "keys.sealed", "journal.db", "ledger.db"}


def well_filled(folder: Path) -> Path:
    """Have a folder name every kind of file, each with its own name as its content."""
    set_in(folder, "ledger", rates="rates.csv")
    tls = {"tls_ca": "tls/hsm-ca.pem", "tls_certificate": "tls/hsm.pem", "tls_key": "tls/hsm.key"}
    set_in(folder, "hsm", engine="host", **tls)
    set_in(
        folder, "events", broker="mqtts://broker.example", username="atm",
        password_file="broker-password", tls_ca="tls/broker-ca.pem",
        tls_certificate="tls/broker.pem", tls_key="tls/broker.key",
    )  # fmt: skip
    text = (folder / "switch.toml").read_text()
    text = text.replace("[hsm]\n", '[hsm]\naddresses = ["127.0.0.1:1500"]\n')
    text = text.replace('profile = "bpjstk-jht-v1"', 'profile = "profiles/own.toml"')
    (folder / "switch.toml").write_text(text)
    for name in (*OPEN, *SECRET):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(f"this is {name}\n")
    (folder / "profiles/own.toml").write_text('extends = "profiles/base.toml"\n')
    (folder / "profiles/base.toml").write_text('extends = "bpjstk-jht-v1"\n')
    return folder


def lines_of(text: str, begin: str) -> set[str]:
    """Give what follows ``begin`` in the lines that have it."""
    return {line.removeprefix(begin) for line in text.splitlines() if line.startswith(begin)}


def test_backup_holds_every_file_that_is_no_secret(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The others it names; a folder made of it has them all, and says what is to be brought."""
    folder, backup = well_filled(make_folder(tmp_path)), tmp_path / "bank.tar"

    made = main(["backup", str(folder), str(backup)])
    left = lines_of(capsys.readouterr().out, "not in it: ")
    back = main(["restore", str(backup), str(tmp_path / "again")])
    missing = lines_of(capsys.readouterr().out, "see that it is there: ")
    with tarfile.open(backup) as tar:
        held = set(tar.getnames())
    raw = backup.read_bytes()

    assert (0, 0) == (made, back)
    assert HEART | OPEN == held
    assert not [name for name in SECRET if f"this is {name}".encode() in raw]
    assert {f"the TLS key {name}" for name in SECRET[:2]} | {
        "the password file broker-password"
    } == (missing)
    assert 1 == len(left - missing)
    assert next(iter(left - missing)).startswith("the master file ")
    assert [(folder / name).read_text() for name in OPEN] == [
        (tmp_path / "again" / name).read_text() for name in OPEN
    ]


def test_named_file_that_is_not_there_is_no_reason_for_no_backup(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is said with the key that names it."""
    folder = make_folder(tmp_path)
    set_in(folder, "ledger", rates="gone.csv")

    made = main(["backup", str(folder), str(tmp_path / "bank.tar")])

    told = "not in it: the file gone.csv, which ledger.rates names and which is not there\n"
    assert (0, True) == (made, told in capsys.readouterr().out)


def test_ledger_outside_the_folder_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A backup without it was made, and a copy of it was left beside that."""
    folder = make_folder(tmp_path)
    (tmp_path / "books").mkdir()
    (folder / "ledger.db").rename(tmp_path / "books" / "ledger.db")
    set_in(folder, "ledger", path="../books/ledger.db")

    made = main(["backup", str(folder), str(tmp_path / "books" / "bank.tar")])

    assert 1 == made
    assert "ledger.path = ../books/ledger.db leads out of the folder" in capsys.readouterr().err
    assert not [one for one in (tmp_path / "books").iterdir() if "ledger.db" not in one.name]


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("switch.toml", "# -----END PRIVATE KEY-----\n", "the line that begins or ends a private"),
        ("profiles/own.toml", "# -----END PRIVATE KEY-----\n", "the line that begins or ends a p"),
        ("profiles/base.toml", "extends = 5\n", "extends what is no name"),
    ],
)
def test_file_that_a_backup_would_lack_is_refused(
    tmp_path: Path, name: str, content: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """By its name, before anything is copied: a backup without the settings was made."""
    folder = well_filled(make_folder(tmp_path))
    path = folder / name
    path.write_text(content + path.read_text().replace("extends", "# extends"))
    before = {one.name for one in tmp_path.iterdir()}

    made = main(["backup", str(folder), str(tmp_path / "bank.tar")])

    told = capsys.readouterr().err
    assert (1, True, True) == (made, name in told, why in told)
    assert before == {one.name for one in tmp_path.iterdir()}


def test_backup_is_whole_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever became of a file between the look at it and the copy."""
    folder = make_folder(tmp_path)
    monkeypatch.setattr("atm_switch.backup.contents", lambda _folder: iter(()))

    made = main(["backup", str(folder), str(tmp_path / "bank.tar")])

    assert (1, False) == (made, (tmp_path / "bank.tar").exists())
    assert "without switch.toml, and no folder can be made of it" in capsys.readouterr().err


def as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a backup be made without a look at what it lacks, as older releases did."""
    for look in ("require_inside", "require_whole", "require_held"):
        monkeypatch.setattr(f"atm_switch.backup.{look}", lambda *_: None)


def test_older_backup_without_its_settings_is_told_as_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where the master has another place, which is written into them."""
    folder, backup = make_folder(tmp_path), str(tmp_path / "bank.tar")
    rest = [one for one in contents(open_folder(folder)) if one[0] != "switch.toml"]
    monkeypatch.setattr("atm_switch.backup.contents", lambda _folder: iter(rest))
    as_before(monkeypatch)
    assert 0 == main(["backup", str(folder), backup])
    capsys.readouterr()

    for more in ([], ["--master", str(next(tmp_path.glob("*.master")))]):
        assert 1 == main(["restore", backup, str(tmp_path / "again"), *more])
        assert "the backup is without switch.toml" in capsys.readouterr().err
        assert not (tmp_path / "again").exists()


def test_older_backup_without_a_ledger_outside_says_what_helps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No environment does; unpacked, with the file put into it, it is a folder again."""
    folder, backup, again = make_folder(tmp_path), tmp_path / "bank.tar", tmp_path / "again"
    (folder / "ledger.db").rename(tmp_path / "ledger.db")
    set_in(folder, "ledger", path="../ledger.db")
    monkeypatch.setattr("atm_switch.backup.copy_database", inside_only)
    as_before(monkeypatch)
    assert 0 == main(["backup", str(folder), str(backup)])
    capsys.readouterr()

    back = main(["restore", str(backup), str(again)])
    told = capsys.readouterr().err
    again.mkdir(mode=0o700)
    with tarfile.open(backup) as tar:
        tar.extractall(again, filter="data")
    shutil.copy(tmp_path / "ledger.db", again)
    set_in(again, "ledger", path="ledger.db")
    sound = [
        main([*words, str(again)]) for words in (["journal", "verify"], ["ledger", "reconcile"])
    ]

    assert (1, [0, 0]) == (back, sound)
    assert "without the database ../ledger.db, for ledger.path names it by a path" in told
    assert "unpack the backup with tar into a new folder" in told
    assert "environment" not in told


def inside_only(source: Path, target: Path, report: Report) -> None:
    """Copy a database that lies in its folder."""
    if ".." not in target.parts:
        copy_database(source, target, report)


def test_backup_of_another_environment_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An empty ledger was made in place of the one on PostgreSQL, which only a variable named."""
    folder, backup = make_folder(tmp_path), tmp_path / "bank.tar"
    monkeypatch.setenv("ATM_LEDGER__URL", "postgresql://atm@127.0.0.1:1/jht")
    made = main(["backup", str(folder), str(backup)])
    monkeypatch.delenv("ATM_LEDGER__URL")

    back = main(["restore", str(backup), str(tmp_path / "again")])

    assert (0, 1) == (made, back)
    assert "is without the database ledger.db, which ledger.path" in capsys.readouterr().err
    assert not (tmp_path / "again").exists()


def test_databases_on_postgresql_are_named_with_what_to_do(
    tmp_path: Path, postgres: PostgresServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither is in it, and of a journal that was not looked at nobody says that it is sound."""
    folder, backup = make_folder(tmp_path), tmp_path / "bank.tar"
    set_in(folder, "ledger", url=postgres.database())
    set_in(folder, "journal", url=postgres.empty(), node="one")

    made = main(["backup", str(folder), str(backup)])
    said = capsys.readouterr().out
    back = main(["restore", str(backup), str(tmp_path / "again")])
    then = capsys.readouterr().out
    with tarfile.open(backup) as tar:
        held = set(tar.getnames())

    assert (0, 0) == (made, back)
    assert HEART - {"journal.db", "ledger.db"} == held
    for name in ("ledger", "journal"):
        assert f"not in it: the {name} on PostgreSQL: database atm_test_" in said
        assert f"see that it is there: the {name} on PostgreSQL: database atm_test_" in then
    assert "back PostgreSQL up right behind this: pg_dump, or the bank's own way" in said
    assert "sound" not in then
    assert "the journal on PostgreSQL was not looked at: atm-switch journal verify" in then


def test_ledger_is_copied_behind_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is booked in between is in the backup, and its record is not; both are sound."""
    folder, backup, again = make_folder(tmp_path), tmp_path / "bank.tar", tmp_path / "again"
    copied: list[str] = []

    def amid(source: Path, target: Path, report: Report) -> None:
        if copied:
            words = ("--kind", "contribution", "--amount", "123456")
            assert 0 == main(["ledger", "post", str(folder), "12345678901", *words])
        copied.append(source.name)
        copy_database(source, target, report)

    monkeypatch.setattr("atm_switch.backup.copy_database", amid)

    codes = [
        main(words)
        for words in (
            ["backup", str(folder), str(backup)],
            ["restore", str(backup), str(again)],
            ["journal", "verify", str(again)],
            ["ledger", "reconcile", str(again)],
        )
    ]
    capsys.readouterr()
    main(["ledger", "postings", str(again), "12345678901"])
    postings = capsys.readouterr().out
    main(["audit", "export", str(again)])
    audit = capsys.readouterr().out

    assert ["journal.db", "ledger.db"] == copied
    assert [0, 0, 0, 0] == codes
    assert "123.456" in postings
    assert "ledger post" not in audit
