"""G17: ten thousand idle terminals, in plain and by TLS: memory, and the active ones beside.

    python -m tests.chaos.idle_terminals [--long] [--seed S]

Plan: an honest load alone, then the same load beside the idle ones, signed on and silent;
the resident memory of the whole process is what counts, not what they added.
"""

import asyncio
from pathlib import Path

from tests.chaos.crowd import crowd
from tests.chaos.honest import Honest, Script, Tally, paced
from tests.chaos.plant import Plant, allow_many_files, running, set_up
from tests.chaos.proof import Found, Goal, Trial, prove
from tests.doubles.certificates import LabCa

MANY = (
    "[limits]\nconnections_max = 30000\nconnections_per_peer_max = 30000\necho_idle_seconds = 0\n"
)
BANK = "switch.bank.example"
PLAIN_MIB_MAX, TLS_MIB_MAX = 100, 500
LINKS, RATE, SECONDS = 20, 10.0, 3.0
SHARE_MAX, MS_MAX = 0.10, 3.0
ROUNDS = 3


async def active(script: Script, port: int, tally: Tally) -> None:
    """Twenty links, two hundred requests a second."""
    links = [await Honest.open(script, port) for _ in range(LINKS)]
    await asyncio.gather(*(paced(link, tally, RATE, SECONDS) for link in links))
    for link in links:
        link.close()


def median_p99(plant: Plant, script: Script) -> float:
    """Return the middle of three 99th percentiles, in milliseconds."""
    found = []
    for _ in range(ROUNDS):
        tally = Tally()
        asyncio.run(active(script, plant.port, tally))
        found.append(tally.percentile(0.99))
    return sorted(found)[ROUNDS // 2]


def is_as_fast(alone: float, beside: float) -> bool:
    """Tell whether a 99th percentile is at most a tenth or three milliseconds later."""
    return beside <= alone + max(SHARE_MAX * alone, MS_MAX)


def plain_part(root: Path, count: int) -> tuple[bool, str]:
    """Without TLS, with an honest load beside."""
    plant = set_up(root, "--pin", "acquirer", settings=MANY)
    with running(plant):
        script = Script(plant.folder)
        alone = median_p99(plant, script)
        before = plant.resident_kib
        with crowd(plant.port, count, "--sign-on") as idle:
            resident = plant.resident_kib
            beside = median_p99(plant, script)
            there, _ = idle.left()
        plant.stop()
    each = (resident - before) / max(there, 1)
    said = (
        f"{there:,} plain: {resident / 1024:.0f} MiB ({each:.1f} KiB each), "
        f"p99 {alone:.1f} ms alone, {beside:.1f} ms beside"
    )
    is_held = there == count and resident < PLAIN_MIB_MAX * 1024 and is_as_fast(alone, beside)
    return is_held, said


def tls_part(root: Path, count: int) -> tuple[bool, str]:
    """With certificates on both sides."""
    plant = set_up(root, "--pin", "acquirer", settings=MANY)
    ca = LabCa(root)
    files, shown = ca.server(), ca.issue(BANK)
    toml = plant.folder / "switch.toml"
    names = (
        f'tls_certificate = "../{files.certificate.name}"\ntls_key = "../{files.key.name}"\n'
        f'tls_client_ca = "../{files.client_ca.name}"\n'
    )
    text = toml.read_text().replace("[[listeners]]\n", f"[[listeners]]\n{names}")
    bank = 'name = "BANK CONTOH"\n'
    toml.write_text(text.replace(bank, f'{bank}certificate_names = ["{BANK}"]\n'))
    options = ("--cert", str(ca.file), str(shown.certificate), str(shown.key), "--sign-on")
    with running(plant):
        before = plant.resident_kib
        with crowd(plant.port, count, *options) as idle:
            resident = plant.resident_kib
            there, _ = idle.left()
        plant.stop()
    each = (resident - before) / max(there, 1)
    said = f"{there:,} by TLS: {resident / 1024:.0f} MiB ({each:.1f} KiB each)"
    return there == count and resident < TLS_MIB_MAX * 1024, said


def measure(trial: Trial) -> Found:
    """Both."""
    allow_many_files()
    for name in ("plain", "tls"):
        (trial.root / name).mkdir()
    plain_held, plain = plain_part(trial.root / "plain", trial.size(1_000, 10_000))
    tls_held, tls = tls_part(trial.root / "tls", trial.size(200, 10_000))
    return Found(f"{plain}; {tls}", is_held=plain_held and tls_held)


GOAL = Goal(
    "G17", "idle terminals", "10,000 under 100 MiB plain, 500 MiB by TLS (short: 1,000)", measure
)

if __name__ == "__main__":
    prove(GOAL)
