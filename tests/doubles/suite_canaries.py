"""What the whole suite leaves behind, searched for what must be nowhere.

Plan: whatever test ran a product - as processes or in this one - left files in its folder and
words on its output; at the end of the run all of them are searched.  Cards need not be known:
every sample is on BIN 999009, so any digits that begin so and pass Luhn are a card number,
as text, packed, in EBCDIC or UTF-16, and all that inside hexadecimal and base64.  Of every data
folder the keys, the master, the members' NIKs and the PIN blocks of the sample cards under the
line's key are looked for in the folder, and in everything that was said anywhere.
Limits: nothing enciphered or compressed is opened; PINs of six digits cannot be told from other
numbers (``canary_traffic`` sends long ones).  What a test itself writes as input, and what
holds secrets by design, is left out by name.  Of tens of millions of bytes that chance has made
(digests, what is enciphered) some are a packed card number once in a hundred runs, at every place
that has these bytes; digests in hexadecimal have their digits as text, too.  Up to two numbers
found in such forms alone count only if the run knows the card.
"""

import base64
import csv
import json
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from fnmatch import fnmatch
from itertools import chain
from pathlib import Path

from atm_switch.domain.card import Pan, luhn_digit
from atm_switch.domain.errors import SwitchError
from atm_switch.domain.secret import Key, Pin
from atm_switch.folder import open_folder
from atm_switch.security.pin_block import encipher
from tests.doubles.canaries import Canary

SINKS = (
    "*.db", "*.db-wal", "*.db-shm", "*.log", "*.sealed", "*.sealed.*", "switch.toml*", "*.tar",
    "*.tape", "*.rec", "*.jsonl", "*.json", "*.xml", "*.html", "*.svg", "*.pdf",
)  # fmt: skip
"""What a product writes, and what a test keeps of what a product said."""

BY_DESIGN = ("*kit*.json", "*.csv", "*.master")
FOLDERS_BY_DESIGN = ("sample", "specs")

SAID: list[tuple[str, bytes]] = []
"""What every command run by the suite said, on either output, and in which test."""

FILE_BYTES_MAX = 50_000_000
CHANCE_MAX = 2
"""So many numbers of a run may be chance's: three are once in some millions of runs."""
DIGITS_MIN = 16
HEX_MIN, HEX_AROUND = 24, 64
_DIGITS = rb"[0-9]{10,13}"
_PACKED = re.compile(rb"\x99\x90\x09[\x00-\x99]{5,7}")
_PACKED_SHIFTED = re.compile(rb"[\x09-\xf9]\x99\x00[\x90-\x99][\x00-\x99]{4,7}", re.DOTALL)
_TEXT = re.compile(rb"999009" + _DIGITS)
_EBCDIC = re.compile(rb"\xf9\xf9\xf9\xf0\xf0\xf9[\xf0-\xf9]{10,13}")
_UTF_16 = re.compile(rb"9\x009\x009\x000\x000\x009\x00(?:[0-9]\x00){10,13}")
_KNOWN = re.compile(r"999009[0-9]{5,13}")
_HEX_RUN = re.compile(rb"[0-9A-Fa-f]{24,}")
_HEX_ENDS, _HEX_BEGINS = re.compile(rb"[0-9A-Fa-f]*\Z"), re.compile(rb"[0-9A-Fa-f]*")
_LETTER = re.compile(rb"[A-Fa-f]")
_BASE64_RUN = re.compile(rb"[A-Za-z0-9+/_-]{14,}")
_FOR_ADDRESSES = bytes.maketrans(b"-_", b"+/")


def said(*texts: str | bytes | None) -> None:
    """Keep what a command said."""
    test = os.environ.get("PYTEST_CURRENT_TEST", "outside a test")
    SAID.extend((test, text.encode() if isinstance(text, str) else text) for text in texts if text)


def cards_in(content: bytes) -> set[str]:
    """Name the forms in which card numbers of BIN 999009 stand in ``content``."""
    return {form for form, _ in _numbers_in(content)}


def _numbers_in(content: bytes) -> Iterator[tuple[str, str]]:
    """Yield each with its form."""
    yield from _plain_numbers(content)
    for run in _HEX_RUN.findall(content):
        for at in range(2):
            part = run[at : at + (len(run) - at) // 2 * 2]
            for form, number in _plain_numbers(bytes.fromhex(part.decode())):
                yield f"{form}, in hexadecimal", number
    for run in _BASE64_RUN.findall(content):
        text = run.translate(_FOR_ADDRESSES)
        for at in range(4):
            part = text[at : at + (len(text) - at) // 4 * 4]
            for form, number in _plain_numbers(base64.b64decode(part)):
                yield f"{form}, in base64", number


def _plain_numbers(content: bytes) -> Iterator[tuple[str, str]]:
    forms: tuple[tuple[str, re.Pattern[bytes], Callable[[bytes], str]], ...] = (
        ("text", _TEXT, bytes.decode),
        ("EBCDIC", _EBCDIC, lambda raw: raw.decode("cp500")),
        ("UTF-16", _UTF_16, lambda raw: raw.decode("utf-16-le")),
        ("packed", _PACKED, bytes.hex),
        ("packed, shifted", _PACKED_SHIFTED, lambda raw: raw.hex()[1:]),
    )
    for name, pattern, read in forms:
        for found in pattern.finditer(content):
            number = read(found[0])
            if _is_card(number):
                is_amid = name == "text" and _is_amid_hexadecimal(content, *found.span())
                yield f"{name} amid hexadecimal" if is_amid else name, number


def _is_amid_hexadecimal(content: bytes, begin: int, end: int) -> bool:
    """Tell whether digits are part of a longer run that has letters, as a digest's."""
    before = _HEX_ENDS.search(content[max(0, begin - HEX_AROUND) : begin])
    behind = _HEX_BEGINS.match(content[end : end + HEX_AROUND])
    around = (before[0] if before else b"") + (behind[0] if behind else b"")
    return len(around) + end - begin >= HEX_MIN and _LETTER.search(around) is not None


def _is_card(text: str) -> bool:
    digits = re.match(r"999009[0-9]{10,13}", text)
    return digits is not None and any(
        luhn_digit(digits[0][: length - 1]) == digits[0][length - 1 : length]
        for length in range(DIGITS_MIN, len(digits[0]) + 1)
    )


def sinks_below(root: Path) -> Iterator[Path]:
    """Yield what a product wrote below a folder."""
    for path in sorted(root.rglob("*")):
        inside = path.relative_to(root).parts
        if set(FOLDERS_BY_DESIGN) & set(inside) or any(
            fnmatch(path.name, one) for one in BY_DESIGN
        ):
            continue
        with suppress(OSError):
            is_sink = any(fnmatch(path.name, one) for one in SINKS)
            if is_sink and path.is_file() and path.stat().st_size <= FILE_BYTES_MAX:
                yield path


def canaries_of(folder: Path) -> Iterator[Canary]:
    """Name what a data folder holds and must not show; nothing where it cannot be opened."""
    with suppress(SwitchError, OSError, ValueError):
        opened = open_folder(folder)
        yield Canary("master", re.sub(r"\s", "", opened.master_file.read_text()))
        vault = opened.vault()
        for name in ("pan_key", "person_key", "fingerprint_key", "sealing_key"):
            yield Canary(name, getattr(vault, name).reveal().hex())
        for owner, ladder in vault.keys.items():
            for key in (ladder.in_use, ladder.other):
                if key is not None:
                    yield Canary(str(owner), key.token.reveal().hex())
    yield from _of_sample(folder)


def _of_sample(folder: Path) -> Iterator[Canary]:
    people, cards = folder / "sample" / "participants.csv", folder / "sample" / "cards.txt"
    kit = folder / "terminal-kit.json"
    if people.is_file():
        with people.open() as file:
            yield from (Canary("NIK", row["nik"]) for row in csv.DictReader(file))
    if not (cards.is_file() and kit.is_file()):
        return
    key = json.loads(kit.read_text()).get("pin_key")
    for pan, pin in re.findall(r"(999009[0-9]{10}) +[0-9]{4} +([0-9]{6})\b", cards.read_text()):
        if key:
            block = encipher(Pin(pin.encode()), Pan(pan), Key.from_hex(key))
            yield Canary(f"PIN block of {pan[:6]}...{pan[-4:]}", block)


def spellings(canary: Canary) -> Iterator[bytes]:
    """Yield the few forms looked for in everything: text, hexadecimal, bytes, base64."""
    raws = [canary.text.encode(), canary.text.upper().encode(), canary.text.lower().encode()]
    if re.fullmatch(r"(?:[0-9A-Fa-f]{2})+", canary.text):
        raws.append(bytes.fromhex(canary.text))
    for raw in dict.fromkeys(raws):
        yield raw
        for shift in range(3):
            whole = base64.b64encode(bytes(shift) + raw).rstrip(b"=")
            yield whole[(8 * shift + 5) // 6 : 8 * (shift + len(raw)) // 6]


def found_in(sinks: Mapping[str, bytes], canaries: Iterable[Canary]) -> list[str]:
    """Name sink and canary of everything found, and nothing that is secret."""
    return list(dict.fromkeys(_canaries_in(sinks, canaries) + _cards_in(sinks)))


def _canaries_in(sinks: Mapping[str, bytes], canaries: Iterable[Canary]) -> list[str]:
    sought = [(canary.name, form) for canary in canaries for form in spellings(canary)]
    return [
        f"{sink}: {name}" for sink, content in sinks.items() for name, form in sought
        if form in content
    ]  # fmt: skip


def _cards_in(sinks: Mapping[str, bytes]) -> list[str]:
    return [f"{sink}: a card number, {form}" for sink, content in sinks.items() for form in
            sorted(cards_in(content))]  # fmt: skip


def left_behind(root: Path) -> list[str]:
    """Search everything below ``root`` and everything said; name what should not be there."""
    found: list[str] = []
    known: list[Canary] = []
    for sealed in sorted(root.rglob("keys.sealed")):
        canaries = list(canaries_of(sealed.parent))
        known += canaries
        # A folder, and what lies beside it: its log, a backup, what was exported of it.
        beside = sealed.parent.parent
        paths = list(sinks_below(sealed.parent if beside == root else beside))
        if beside == root:  # the folders in it are those of other tests
            paths += [path for path in sinks_below(root) if path.parent == root]
        for sink in _read(paths, root):
            found += _canaries_in(sink, canaries)
    words = [{f"said in {test}": text} for test, text in SAID]
    if _canaries_in({"said by commands": b"\n".join(text for _, text in SAID)}, known):
        for one in words:
            found += _canaries_in(one, known)
    found += _cards_among(chain(_read(sinks_below(root), root), words), root)
    return list(dict.fromkeys(found))


def _cards_among(sinks: Iterable[Mapping[str, bytes]], root: Path) -> list[str]:
    """Name each sink with a card number in it, and the form of that."""
    sure: set[str] = set()
    doubtful: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    for sink in sinks:
        for name, content in sink.items():
            for form, number in _numbers_in(content):
                told = f"{name}: a card number, {form}"
                if "packed" in form or "amid" in form:
                    # What stands behind the bytes may be otherwise at each place.
                    doubtful[number[:DIGITS_MIN]].add((number, told))
                else:
                    sure.add(told)
    places = [place for one in doubtful.values() for place in one]
    if 1 <= len(doubtful) <= CHANCE_MAX:
        known = _known_below(root)
        places = [place for place in places if place[0].startswith(known)]
    return [*sorted(sure), *sorted({told for _, told in places})]


def _known_below(root: Path) -> tuple[str, ...]:
    """Return how the cards begin that tests speak of, and those that lie there by design."""
    texts = [*Path(__file__).parents[1].rglob("*.py")]
    texts += [path for one in (*BY_DESIGN, "cards.txt") for path in root.rglob(one)]
    with suppress(OSError):
        return tuple({n for path in texts for n in _KNOWN.findall(path.read_text("latin-1"))})
    return ("",)  # not to be looked up: then it counts


def _read(paths: Iterable[Path], root: Path) -> Iterator[dict[str, bytes]]:
    for path in paths:
        with suppress(OSError):
            yield {str(path.relative_to(root)): path.read_bytes()}
