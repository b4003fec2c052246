"""Checks of identifiers that no package on PyPI has in whole, written from public rules.

They share nothing with the program's specifications.
"""

import re

# Centers for Medicare & Medicaid Services, "Understanding the Medicare Beneficiary Identifier (MBI)
# Format": the type of each position, C 1 to 9, N 0 to 9, A a letter but S, L, O, I, B, Z, and AN
# either. The hyphens of the card are not part of it.
MBI_POSITIONS = ("C", "A", "AN", "N", "A", "AN", "N", "A", "A", "N", "N")
MBI_LETTERS = set("ABCDEFGHIJKLMNOPQRSTUVWXYZ") - set("SLOIBZ")
MBI_TYPES = {
    "C": set("123456789"),
    "N": set("0123456789"),
    "A": MBI_LETTERS,
    "AN": MBI_LETTERS | set("0123456789"),
}

# Taiwan's Ministry of the Interior: the letter is a number of two digits, by the household register
# of first registration; then the digits are weighted with 1, 9, 8, ..., 1 and 1, and the sum is
# divisible by 10. National Immigration Agency, "New UI No. format" (2021): 8 and 9 in the place of
# the sex for foreign residents, and the same check.
TAIWAN_LETTERS = dict(zip("ABCDEFGHJKLMNPQRSTUVXYWZIO", range(10, 36), strict=True))
TAIWAN_WEIGHTS = (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1)


def is_us_mbi(text):
    characters = text.replace("-", "")
    return len(characters) == len(MBI_POSITIONS) and all(
        character in MBI_TYPES[kind] for character, kind in zip(characters, MBI_POSITIONS)
    )


def is_tw_id(text):
    if not re.fullmatch("[A-Z][1289][0-9]{8}", text):
        return False
    digits = f"{TAIWAN_LETTERS[text[0]]}{text[1:]}"
    return sum(int(d) * w for d, w in zip(digits, TAIWAN_WEIGHTS, strict=True)) % 10 == 0
