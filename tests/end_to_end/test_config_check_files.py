"""Claims about ``config check`` and the files that the settings name."""

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from atm_switch.profile.shipped import profile_text
from atm_switch.server.tls import TlsFiles
from tests.doubles.certificates import DAY, LabCa, Pair
from tests.doubles.machines import set_in
from tests.doubles.served import make_folder, run


def test_wrong_files_are_all_named_at_their_lines(tmp_path: Path) -> None:
    """A profile nobody ships, one that cannot work, absent rates: each with its line."""
    folder = make_folder(tmp_path)
    (folder / "own.toml").write_text(
        'extends = "bpjstk-jht-v1"\n[elements]\n41 = { name = "x", class = "ans", length = 16 }\n'
    )
    set_in(folder, "ledger", rates="no.csv")
    with (folder / "switch.toml").open("a") as file:
        for at, profile in enumerate(("nope", "own.toml"), 1):
            file.write(f'[[listeners]]\nprofile = "{profile}"\nlisten = "127.0.0.1:{at}"\n')
    lines = (folder / "switch.toml").read_text().splitlines()

    done = run("config", "check", folder)

    assert 78 == done.returncode
    for named in ('profile = "nope"', 'profile = "own.toml"', 'rates = "no.csv"'):
        assert f"switch.toml:{lines.index(named) + 1}: " in done.stderr


def test_channel_the_profile_lacks_is_named(tmp_path: Path) -> None:
    """A bank allowed a channel its line's dialect does not know could never use it."""
    folder = make_folder(tmp_path)
    settings = folder / "switch.toml"
    bank = 'name = "BANK CONTOH"'
    settings.write_text(settings.read_text().replace(bank, bank + '\nchannels = ["6999"]'))

    done = run("config", "check", folder)

    assert (78, True) == (done.returncode, "knows no channel 6999 of bank 009" in done.stderr)


@pytest.mark.parametrize("command", [("config", "check"), ("serve",)])
def test_profile_without_place_for_a_masked_kpj_is_refused(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    """Digits only where asterisks go: every answer of the bank would be 96; it says what to do."""
    folder = make_folder(tmp_path)
    shipped = profile_text("bpjstk-jht-v1")
    (folder / "own.toml").write_text(shipped.replace('["kpj", 11, "ans"]', '["kpj", 11, "n"]'))
    settings = folder / "switch.toml"
    settings.write_text(settings.read_text().replace('"bpjstk-jht-v1"', '"own.toml"'))

    done = run(*command, folder)

    assert 78 == done.returncode
    assert "give kpj the class ans in layouts.inquiry_response" in done.stderr
    assert "or set unmasked_kpj = true for 009" in done.stderr


def test_place_of_digits_serves_a_bank_that_is_shown_the_whole_kpj(tmp_path: Path) -> None:
    """What the sentence advises is enough."""
    folder = make_folder(tmp_path)
    shipped = profile_text("bpjstk-jht-v1")
    (folder / "own.toml").write_text(shipped.replace('["kpj", 11, "ans"]', '["kpj", 11, "n"]'))
    settings = folder / "switch.toml"
    bank = 'name = "BANK CONTOH"'
    text = settings.read_text().replace('"bpjstk-jht-v1"', '"own.toml"')
    settings.write_text(text.replace(bank, bank + "\nunmasked_kpj = true"))

    done = run("config", "check", folder)

    assert (0, "") == (done.returncode, done.stderr)


def test_serve_refuses_wrong_settings_with_78(tmp_path: Path) -> None:
    """What the check finds, serve finds: absent rates are settings, not a failure."""
    folder = make_folder(tmp_path)
    set_in(folder, "ledger", rates="no.csv")

    done = run("serve", folder)

    assert (78, "") == (done.returncode, done.stdout)
    assert "ledger.rates" in done.stderr


def behind_tls(folder: Path, files: TlsFiles) -> Path:
    """Secure the one listener of a folder with files that lie beside it."""
    settings = folder / "switch.toml"
    lines = [f'tls_{part} = "../{path.name}"' for part, path in files._asdict().items() if path]
    table = "\n".join(("[[listeners]]", *lines))
    settings.write_text(settings.read_text().replace("[[listeners]]", table))
    return settings


def last_day(pair: Pair) -> str:
    """Read from a certificate until when it is good: it may have been made before midnight."""
    made = x509.load_pem_x509_certificate(pair.certificate.read_bytes())
    return f"{made.not_valid_after_utc:%Y-%m-%d}"


@pytest.mark.parametrize("as_file", [False, True])
def test_certificate_that_ends_soon_is_warned_of(tmp_path: Path, *, as_file: bool) -> None:
    """File and date of each that ends within thirty days; the settings are right all the same."""
    ca = LabCa(tmp_path)
    soon, later = 10 * DAY + timedelta(hours=1), 40 * DAY
    ours = ca.issue("switch", ends_in=soon, file="switch")
    crl = ca.revoke(ends_in=later)
    folder = make_folder(tmp_path)
    settings = behind_tls(folder, TlsFiles(ours.certificate, ours.key, ca.file, crl))

    done = run("config", "check", settings if as_file else folder)

    assert (0, True) == (done.returncode, "the settings are right" in done.stdout)
    (line,) = done.stderr.splitlines()
    assert line.startswith("warning: ")
    assert f"{ours.certificate.name} is good until {last_day(ours)} only" in line


def test_ca_that_has_ended_is_warned_of(tmp_path: Path) -> None:
    """One CA of two is out of date: links still come in by the other, so it is a warning."""
    ca, gone = LabCa(tmp_path), LabCa(tmp_path, "OLD CA")
    ended = gone.issue("OLD CA", ends_in=-3 * DAY, file="ended")
    both = tmp_path / "both.pem"
    both.write_text(ca.file.read_text() + ended.certificate.read_text())
    folder = make_folder(tmp_path)
    behind_tls(folder, ca.server()._replace(client_ca=both))

    done = run("config", "check", folder)

    assert 0 == done.returncode, done.stderr
    assert f"both.pem was good until {last_day(ended)}: put" in done.stderr


def test_own_certificate_that_has_ended_is_warned_of(tmp_path: Path) -> None:
    """``serve`` starts with it, for other doors are none of its affair: a warning, once."""
    ca = LabCa(tmp_path)
    ended = ca.issue("switch", ends_in=-DAY, file="switch")
    folder = make_folder(tmp_path)
    behind_tls(folder, TlsFiles(ended.certificate, ended.key, ca.file))

    done = run("config", "check", folder)

    (line,) = done.stderr.splitlines()
    assert 0 == done.returncode
    assert line.startswith("warning: ")
    assert f"switch.crt expired on {last_day(ended)}: put a new certificate there" in line


def test_key_of_an_ended_certificate_is_judged_all_the_same(tmp_path: Path) -> None:
    """What is out of date may be wrong besides: the key of another is 78 at its line."""
    ca = LabCa(tmp_path)
    ended, other = ca.issue("switch", ends_in=-DAY, file="switch"), ca.issue("other", file="other")
    folder = make_folder(tmp_path)
    settings = behind_tls(folder, TlsFiles(ended.certificate, other.key, ca.file))
    at = settings.read_text().splitlines().index('tls_key = "../other.key"') + 1

    done = run("config", "check", folder)

    assert (78, "") == (done.returncode, done.stdout)
    assert f"switch.toml:{at}: listeners[1].tls_key: " in done.stderr
    assert "is not the key of" in done.stderr


def test_name_of_two_banks_is_told_at_its_line(tmp_path: Path) -> None:
    """One certificate that could sign on as either bank is found before it is used."""
    folder = make_folder(tmp_path)
    settings = behind_tls(folder, LabCa(tmp_path).server())
    name = 'certificate_names = ["switch.bank.example"]'
    text = settings.read_text().replace('name = "BANK CONTOH"', f'name = "BANK CONTOH"\n{name}')
    settings.write_text(f'{text}\n[[acquirers]]\nid = "014"\nname = "BANK LAIN"\n{name}\n')
    at = len(settings.read_text().splitlines())

    done = run("config", "check", folder)

    assert 78 == done.returncode
    assert f"switch.toml:{at}: acquirers[2].certificate_names = " in done.stderr
    assert "is acquirer 009's already" in done.stderr
