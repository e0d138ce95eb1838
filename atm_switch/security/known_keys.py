"""Keys everybody knows, by their check values: of standards, manuals, tests, keyboards.

Plan: check values only, computed with ``components.key_check_value`` from the published
keys (the tests hold those and compute again), each under where it is known from.
Limits: a check value has 24 bits, so a good key is taken for a known one once in some
115,000 times; who draws one draws again.  AES keys are known by their CMAC check value
alone.  Keys under single DES, and TDES keys with equal halves, stand here for hardware
that reports them; this product does not use them anyway.
Why: a link set up with the key of a manual works in every test, and protects nothing
(PCI DSS 8.6.2, PCI PIN 1-5).
"""

CHECKS: dict[str, tuple[str, ...]] = {
    "ISO/IEC 9797-1, X9.19, ANSI X9.24-1": ("08D7B4",),
    "the same, halves swapped": ("7B8358",),
    "the same, tripled": ("3FD539",),
    "the same as an AES key": ("2090A6", "CF3486", "8B9802"),
    "NIST SP 800-67": ("4EBA73",),
    "NIST SP 800-38B": ("C8CC74", "C7679B", "7AD386", "3A072A", "1A0B2D"),
    "FIPS 197": ("BE7ED6", "D4FFB8", "377822"),
    "ANSI X9.24-1, initial DUKPT key": ("AF8C07",),
    "TR-31:2018, annex A": (
        "D1D812", "F7BAA8", "2F0EEA", "11B651", "CB9DEA", "57C409", "F4B08D", "9A4212",
        "233155", "08793E",
    ),
    "openemv/tr31 tests": ("C41B33", "5C9405", "FF5087", "ABF549", "0A00E3"),
    "cardutil tests": ("D03B40",),
    "psec manual": ("53E107", "A35231", "7C3325", "491682", "87E4D6", "3B290D", "5B8BC1"),
    "GlobalPlatform": ("8BAF47", "6F2F9B"),
    "octets that count": ("FB0975", "DDADA1", "F39C09", "485F5C", "F74D6E"),
    "this project's tests": ("E7FBFD",),
    "pythales": ("F4EDC8",),
    "Thales test LMKs": (
        "7D2227", "B847B2", "72C9C6", "6AE9AF", "F24013", "C5E9F9", "6028AC", "19A2F0",
        "A2C564",
    ),
    "a digit repeated, then the next": (
        "BE9BF0", "D2B91C", "C5961E", "E18DE2", "6B9418", "DDB736", "32FA10", "F90BD4",
        "F25458", "0E002A", "E1CC69", "549259", "FE6DB4", "0A7BA2", "25E1D4", "BE0A80",
        "656B04", "7A8AC2", "EA6198", "F8757B", "DE6647", "551A92", "1F1EA8", "4A008D",
        "C0D0AC", "4C3CDD", "D389C0", "5B6471", "F84992",
    ),
    "a digit repeated, AES": (
        "763CBC", "EE23D8", "44A01D", "90618D", "F6C919", "F3966C", "2DB6A8", "2C3F18",
        "8B4217", "9DEF40", "0329FF", "2C8596", "72AAF1", "D94720", "C610A5", "B290FA",
        "0B50E6", "ACA372", "A235D5", "2B7C4F", "0E5723", "A8971A", "4C2DB4", "2761FE",
        "4472A6", "5D2E21", "54AB0D", "C38482", "0FC0DC", "E014EE", "87C406", "8BD7E0",
        "921105", "FE1B05", "B82BB8", "4954E6", "989846", "75DC93", "01CDBC", "79302E",
        "32A947", "6741EE", "A30418", "56E1A3", "E943B5", "70027B", "42BEC4", "5955E9",
    ),
    "single DES, a digit repeated": (
        "8CA64D", "82E136", "00962B", "ADC67D", "E2F243", "0CD7DC", "B0B563", "4CBE91",
        "F9F4FB", "0F2FCF", "C33F45", "39571E", "18EC38", "AF0B68", "6678BD", "CAAAAF",
    ),
    "single DES, textbook": ("D5D44F", "A68CDC"),
}  # fmt: skip
"""Check values by where their keys are known from; each stands once."""

_KNOWN = frozenset(check for checks in CHECKS.values() for check in checks)


def is_publicly_known(check: str) -> bool:
    """Tell whether a key of this check value, six hex digits, is known to everybody."""
    return check.upper() in _KNOWN
