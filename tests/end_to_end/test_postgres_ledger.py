"""The whole flow with the ledger on PostgreSQL: commands write it, a real switch reads it."""

import json
import signal
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from subprocess import PIPE, Popen

import pytest

from atm_switch.cli import main
from atm_switch.ledger.store_postgres import PostgresStore
from atm_switch.settings.load import load_settings
from tests.doubles.machines import set_in
from tests.doubles.postgres import PostgresServer
from tests.doubles.served import Served, make_folder, read_keys_again, run, serve
from tests.end_to_end.command_line import PROGRAM, SECONDS_MAX, environment

MANY = 10_000
CARD, PIN, KPJ = "9990090000000012", "123456", "12345678901"


@pytest.fixture
def bank(tmp_path: Path, postgres: PostgresServer) -> Path:
    """Make a folder whose members are on PostgreSQL, not in its file."""
    folder = make_folder(tmp_path)
    set_in(folder, "ledger", url=postgres.empty())
    sample = folder / "sample"
    for command in (
        ("ledger", "import", folder, sample / "participants.csv", sample / "postings.csv"),
        ("cards", "link", folder, sample / "cards.csv"),
    ):
        done = run(*command)
        assert 0 == done.returncode, done.stderr
    (folder / "ledger.db").unlink()
    return folder


def inquire(folder: Path, served: Served, pin: str = PIN) -> dict[str, object]:
    """Ask for a balance; return what the emulator says of it."""
    done = run(
        *("inquire", "--connect", served.address, "--kit", folder / "terminal-kit.json"),
        *("--pan", CARD, "--pin", pin, "--json"),
        module="terminal_emulator",
    )
    return dict(json.loads(done.stdout))


def test_switch_answers_from_postgres(bank: Path) -> None:
    """The published member's inquiry is 00 with its opening balance; a wrong PIN is 55."""
    with serve(bank) as served:
        right, wrong = inquire(bank, served), inquire(bank, served, "999999")

    assert ("00", "55") == (right["response_code"], wrong["response_code"])
    assert "19.409.470,47" in json.dumps(right)
    assert not (bank / "ledger.db").exists()


def test_books_are_kept_on_postgres(bank: Path) -> None:
    """A posting booked while the switch runs shows in the next inquiry; the books agree."""
    with serve(bank) as served:
        before = inquire(bank, served)
        booked = run("ledger", "post", bank, KPJ, "--kind", "adjustment", "--amount", "1.00")
        after = inquire(bank, served)
    proof = run("ledger", "reconcile", bank)

    assert 0 == booked.returncode, booked.stderr
    assert before["response_code"] == after["response_code"] == "00"
    assert before != after
    assert 0 == proof.returncode, proof.stdout + proof.stderr


def test_migrate_says_what_it_did_on_postgres(bank: Path) -> None:
    """The ledger's schema is its work, --check does not look, a journal's is left to a start."""
    looked, done = run("migrate", bank, "--check"), run("migrate", bank)
    set_in(bank, "journal", url="postgresql://nobody@127.0.0.1:1/nowhere", node="one")
    without = run("migrate", bank)

    assert (0, 0, 0) == (looked.returncode, done.returncode, without.returncode), without.stderr
    assert "journal.db: of this release's schema\n" in looked.stdout
    assert "the ledger on PostgreSQL was not looked at" in looked.stdout
    assert "the ledger on PostgreSQL is of this release's schema" in done.stdout
    assert "journal on PostgreSQL" not in looked.stdout + done.stdout
    assert "the journal on PostgreSQL was not looked at: a start" in without.stdout


def test_statement_is_shown_from_postgres(bank: Path) -> None:
    """``ledger show`` reads the member where the commands wrote it; there is no file."""
    done = run("ledger", "show", bank, KPJ, "--json")

    assert 0 == done.returncode, done.stderr
    assert "19409470.47" == json.loads(done.stdout)["opening"]
    assert not (bank / "ledger.db").exists()


def test_blocked_card_is_62_at_once(bank: Path) -> None:
    """A card blocked at the desk is 62 at its next inquiry, and 00 once unblocked."""
    with serve(bank) as served:
        assert 0 == run("cards", "block", bank, typed=f"{CARD}\n").returncode
        blocked = inquire(bank, served)
        assert 0 == run("cards", "unblock", bank, typed=f"{CARD}\n").returncode
        again = inquire(bank, served)

    assert ("62", "00") == (blocked["response_code"], again["response_code"])


def test_card_key_changes_under_inquiries(bank: Path) -> None:
    """
    A new card key, SIGHUP, the cards moved: each step leaves the card's inquiry at 00, a file
    that is linked before the SIGHUP too, for it is refused until then.
    """
    with serve(bank) as served:
        begun = run("cards", "rotate-key", bank)
        refused = run("cards", "link", bank, other_cards(bank))
        codes = [inquire(bank, served)["response_code"]]
        early = run("cards", "rotate-key", bank)
        read_keys_again(bank, served)
        codes.append(inquire(bank, served)["response_code"])
        moved = run("cards", "rotate-key", bank)
        codes.append(inquire(bank, served)["response_code"])

    assert (0, 1, 0) == (begun.returncode, early.returncode, moved.returncode), moved.stderr
    assert 1 == refused.returncode
    assert "send it SIGHUP" in refused.stderr
    assert "send it SIGHUP" in early.stderr
    assert "cards are under the card key" in moved.stdout
    assert ["00", "00", "00"] == codes


def other_cards(bank: Path) -> Path:
    """Write the sample's cards as another file."""
    sample = bank / "sample"
    (sample / "more.csv").write_text((sample / "cards.csv").read_text() + "\n")
    return sample / "more.csv"


def test_link_that_a_new_card_key_overtook_is_undone(bank: Path) -> None:
    """A file read before a change of the card key was begun is not booked behind it."""
    words = ("cards", "link")
    with closing(PostgresStore(load_settings(bank).ledger.url)) as store:
        with import_that_waits(bank, other_cards(bank), store, words, "cards") as process:
            # in this process: the import waits for five seconds only
            begun = main(["cards", "rotate-key", str(bank)])
        _, told = process.communicate(timeout=SECONDS_MAX)
        imports = store.rows("SELECT count(*) FROM imports WHERE kind = 'cards'")

    assert (0, 1) == (begun, process.returncode), told
    assert "the card key was changed meanwhile, nothing was linked; run this again" in told
    assert [(1,)] == imports


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """Return a file of ten thousand members, worth a look of PostgreSQL's planner."""
    rows = [f"{20_000_000_000 + n},99010112038{n:05d},P {n},1985-03-12,PU,A" for n in range(MANY)]
    file = tmp_path / "many.csv"
    file.write_text("\n".join(["kpj,nik,name,birth_date,segment,status", *rows]))
    return file


WAITING = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = '{table}'::regclass"
STAGED = """
SELECT quote_ident(nspname) FROM pg_class JOIN pg_namespace AS name ON name.oid = relnamespace
WHERE relname = 'participants' AND nspname <> 'public'
"""


@contextmanager
def import_that_waits(
    bank: Path,
    file: Path,
    store: PostgresStore,
    words: tuple[str, str] = ("ledger", "import"),
    table: str = "participants",
) -> Iterator["Popen[str]"]:
    """Lend an import that has read its file and waits for ``table`` until the block ends.

    It goes on then; whoever asked waits for its end.
    """
    command = [*PROGRAM, *words, str(bank), str(file)]
    with store.transaction():
        store.change(f"LOCK TABLE {table} IN EXCLUSIVE MODE")
        process = Popen(command, env=environment(), stderr=PIPE, stdout=PIPE, text=True)
        wait_for(store, WAITING.format(table=table), process)
        yield process


def wait_for(store: PostgresStore, question: str, process: "Popen[str]") -> None:
    """Wait until ``question`` has an answer."""
    until = time.monotonic() + SECONDS_MAX
    while not store.rows(question):
        assert time.monotonic() < until, process.poll()
        time.sleep(0.05)


def test_ctrl_c_behind_the_commit_says_what_was_booked(bank: Path, many: Path) -> None:
    """
    Interrupted once everything is durable, the import says so, and not that nothing changed.
    """
    url = load_settings(bank).ledger.url
    with (
        closing(PostgresStore(url)) as store,
        closing(PostgresStore(url)) as other,
        other.transaction(),
    ):
        with import_that_waits(bank, many, store) as process:
            ((staging,),) = store.rows(STAGED)
            # What was staged is thrown away behind the commit: there it waits for us.
            other.change(f"LOCK TABLE {staging}.participants IN ACCESS SHARE MODE")
        wait_for(store, "SELECT 1 FROM imports WHERE file_name = 'many.csv'", process)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=SECONDS_MAX)

    assert 130 == process.returncode
    assert "interrupted when everything was booked" in told
    assert f"many.csv: {MANY:,} row(s): {MANY:,} added" in told
    assert "nothing was changed" not in told


def test_ctrl_c_amid_booking_changes_nothing(bank: Path, many: Path) -> None:
    """
    Interrupted while it books, the import says that nothing was changed, and so it is; the
    same command goes on with the rows that were read.
    """
    with (
        closing(PostgresStore(load_settings(bank).ledger.url)) as store,
        import_that_waits(bank, many, store) as process,
    ):
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=SECONDS_MAX)
    again = run("ledger", "import", bank, many)

    assert 130 == process.returncode
    assert "interrupted, nothing was changed" in told
    assert f"going on where the last try stopped: {MANY:,} rows were read already" in again.stderr
    assert f"{MANY:,} added" in again.stdout


def test_kill_amid_booking_changes_nothing(bank: Path, many: Path) -> None:
    """
    Killed while it books, the ledger is as before; the same command books all, once.
    """
    with closing(PostgresStore(load_settings(bank).ledger.url)) as store:
        before = store.rows("SELECT count(*) FROM participants")
        with import_that_waits(bank, many, store) as process:
            process.kill()
            process.communicate(timeout=SECONDS_MAX)
        killed = store.rows("SELECT count(*) FROM participants")
        again = run("ledger", "import", bank, many)
        after = store.rows("SELECT count(*) FROM participants")

    assert before == killed
    assert f"going on where the last try stopped: {MANY:,} rows were read already" in again.stderr
    assert before[0][0] + MANY == after[0][0]
    assert 0 == run("ledger", "reconcile", bank).returncode
