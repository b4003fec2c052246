"""Draws values and marked tokens from a specification of a product format.

A second reading of the specification language, independent of the program's: what it draws goes to
the validators of others, so that a wrong specification is found even before the program reads it.
"""

import datetime
import itertools
import math
import random

import tomli

DIGIT = "0123456789"
UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CLASSES = {
    "digit": DIGIT,
    "upper": UPPER,
    "lower": UPPER.lower(),
    "alnum_upper": DIGIT + UPPER,
    "alnum_lower": DIGIT + UPPER.lower(),
}
KINDS = ("literal", "one_of", "class", "alphabet", "integer", "date")
TRIES_MAX = 1000


class Set:
    """The texts that a part may have."""

    def __init__(self, spec, length=None):
        self.pick, self.size = self._read(spec, spec.get("length", length))

    def _read(self, spec, length):
        if "literal" in spec:
            return lambda: spec["literal"], 1
        if "one_of" in spec:
            return lambda: random.choice(spec["one_of"]), len(spec["one_of"])
        if "class" in spec or "alphabet" in spec:
            alphabet = spec.get("alphabet") or CLASSES[spec["class"]]
            least, most = length if isinstance(length, list) else (length, length)
            return (
                lambda: "".join(random.choices(alphabet, k=random.randint(least, most))),
                sum(len(alphabet) ** n for n in range(least, most + 1)),
            )
        if "integer" in spec:
            numbers = [n for first, last in pairs(spec["integer"]) for n in range(first, last + 1)]
            return lambda: str(random.choice(numbers)).zfill(spec.get("width", 1)), len(numbers)
        ranges = [[datetime.date.fromisoformat(d) for d in pair] for pair in pairs(spec["date"])]
        sizes = [(last - first).days + 1 for first, last in ranges]

        def day():
            first, last = random.choices(ranges, sizes)[0]
            drawn = first + datetime.timedelta(random.randrange((last - first).days + 1))
            text = spec["layout"].replace("YYYY", f"{drawn.year:04}")
            return text.replace("MM", f"{drawn.month:02}").replace("DD", f"{drawn.day:02}")

        return day, sum(sizes)


def pairs(ranges):
    """One pair or several, as several."""
    return ranges if isinstance(ranges[0], list) else [ranges]


def number(character, values):
    """What a check counts a character as."""
    if character in values:
        return values[character]
    return DIGIT.index(character) if character in DIGIT else UPPER.index(character.upper()) + 10


def covered(spec, texts, own):
    """What a check counts, as numbers."""
    values = spec.get("values", {})
    places = [n - 1 for n in spec["over"]] if "over" in spec else range(own)
    numbers = []
    for place in places:
        text = texts[place] or ""
        if len(text) > 1 and text in values:
            numbers += [int(d) for d in str(values[text]).zfill(len(text))]
        else:
            numbers += [number(c, values) for c in text if c.isalnum()]
    return numbers


def check_of(spec, texts, own):
    """The check characters, as they should be; nothing where there is no such number."""
    name, numbers = spec["check"], covered(spec, texts, own)
    if name == "luhn":
        return DIGIT[-sum(sum(divmod(n * (1 + (i % 2 == 0)), 10))
                          for i, n in enumerate(reversed(numbers))) % 10]
    if name == "verhoeff":
        return verhoeff(numbers)
    if name == "mod11_10":
        product = 10
        for n in numbers:
            product = ((product + n) % 10 or 10) * 2 % 11
        return DIGIT[(11 - product) % 10]
    if name == "mod11_2":
        total = 0
        for n in numbers:
            total = (total + n) * 2 % 11
        return "0123456789X"[(12 - total) % 11]
    modulus = spec["modulus"]
    if name == "weighted":
        assert len(spec["weights"]) == len(numbers), (spec["weights"], numbers)
        rest = sum(w * n for w, n in zip(spec["weights"], numbers)) % modulus
    else:
        assert name == "remainder", name
        rest = int("".join(map(str, numbers))) % modulus
    if spec.get("complement"):
        rest = modulus - rest if "digits" in spec else (modulus - rest) % modulus
    if "digits" in spec:
        return str(rest).zfill(spec["digits"])
    return spec["symbols"][rest] if rest < len(spec["symbols"]) else None


def verhoeff(numbers):
    """Multiplication in the dihedral group of the pentagon (Verhoeff, 1969)."""

    def times(a, b):
        if a < 5:
            return (a + b) % 5 if b < 5 else 5 + (a + b) % 5
        return 5 + (a - b) % 5 if b < 5 else (a - b) % 5

    def permuted(n, steps):
        for _ in range(steps):
            n = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)[n]
        return n

    total = 0
    for place, n in enumerate(reversed(numbers), 1):
        total = times(total, permuted(n, place % 8))
    return next(DIGIT[c] for c in range(10) if times(total, c) == 0)


def wrong(spec, right):
    """A check that is not the right one."""
    if "digits" in spec:
        return str((int(right) + 1) % spec["modulus"] or spec["modulus"]).zfill(spec["digits"])
    symbols = "".join(dict.fromkeys(spec.get("symbols", DIGIT)))
    symbols += "X" if spec["check"] == "mod11_2" else ""
    return symbols[(symbols.index(right) + 1) % len(symbols)]


class Form:
    """One sequence of parts."""

    def __init__(self, parts):
        self.parts = parts
        self.values = [Set(p) if "check" not in p else None for p in parts]
        self.tokens = [
            Set(p["token"], p.get("length")) if isinstance(p.get("token"), dict) else own
            for p, own in zip(parts, self.values)
        ]

    def draw(self, is_token):
        for _ in range(TRIES_MAX):
            texts = [
                "" if p.get("optional") and random.random() < 0.5 else s.pick() if s else None
                for p, s in zip(self.parts, self.tokens if is_token else self.values)
            ]
            for own, part in enumerate(self.parts):
                if "check" in part:
                    right = check_of(part, texts, own)
                    if right is None:
                        break
                    is_wrong = is_token and part.get("token") == "wrong"
                    texts[own] = wrong(part, right) if is_wrong else right
            else:
                return "".join(texts)
        raise ValueError("no such number")

    def size(self, is_token):
        sets = self.tokens if is_token else self.values
        free = [s.size for p, s in zip(self.parts, sets) if s and not p.get("keep")]
        return math.prod(free)


class Grammar:
    """A specification, read."""

    def __init__(self, text):
        spec = tomli.loads(text)
        forms = spec.get("forms") or [spec]
        self.forms = [Form(form["parts"]) for form in forms]

    def value(self):
        return random.choice(self.forms).draw(is_token=False)

    def token(self):
        return random.choice(self.forms).draw(is_token=True)
