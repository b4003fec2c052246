"""Computes the marks of phone numbers: what no number of a calling code begins with.

    for version in 8.8.0 8.10.0 8.12.0 8.13.0 9.0.0 9.0.30 9.0.42 9.0.43; do
        pip install --no-deps --target /tmp/metadata/$version phonenumbers==$version
    done
    python3 generate.py /tmp/metadata/* > marks.tsv

Several releases of the metadata count together, the last for the lengths of numbers: the metadata
errs, ranges come and go (9.0.43 took back Romanian ones that were in it for years), and what was
nobody's in all of them is likelier to stay so.

The patterns of the metadata are regular expressions, so the question is decided on their automata,
for all numbers at once, and not by drawing numbers. What is drawn in the end, from a fixed seed,
only checks that decision with the library itself. Words and figures go to stderr.

A mark is a prefix of one to three digits of the national number, such that
- no number of any length that any pattern of any region of the code describes begins with it: a
  network connects as soon as a number is complete, whatever else is dialled;
- it neither begins with the region's trunk prefix, with an international prefix or with an
  emergency number, nor do they begin with it: who leaves the calling code out dials nobody;
- the region's rule for reading national numbers takes nothing off its front.

For each length of national numbers the table has the marks of the fewest digits that leave enough
tokens: what is unused in whole blocks is likelier to stay so. Those that meet no short number (a
directory service, say) and begin with neither 0 nor 1, the usual digits of prefixes and services,
are preferred; then those that begin with neither; then those that do not begin with 0.
"""

import collections
import json
import os
import random
import re._parser as parser
import subprocess
import sys

MARK_DIGITS_MAX = 3
NATIONAL_DIGITS_MAX = 17
DOMAIN_MIN = 1_000_000
DOMAIN_WANTED = 10_000_000
DRAWN_PER_CODE = 100_000
DIGITS = range(10)
INTERNATIONAL_PREFIXES = ("00", "011")
NON_GEOGRAPHIC = "001"
KNOWN = ("numbers", "dialled", "shorts", "rules")
# Not the general description, which only is a shorter pattern of more than these together.
DESCRIPTIONS = (
    "fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost",
    "personal_number", "voip", "pager", "uan", "voicemail", "no_international_dialling",
)


class Automaton:
    """A nondeterministic automaton over digits, made of a regular expression."""

    def __init__(self, pattern):
        self.edges = [[]]
        self.empty = [[]]
        self.end = self._sequence(0, parser.parse(pattern))
        self.rest = self._rest_lengths()

    def _state(self):
        self.edges.append([])
        self.empty.append([])
        return len(self.edges) - 1

    def _sequence(self, start, items):
        for operator, argument in items:
            start = self._item(start, str(operator), argument)
        return start

    def _item(self, start, operator, argument):
        if operator == "SUBPATTERN":
            return self._sequence(start, argument[-1])
        if operator == "BRANCH":
            end = self._state()
            for branch in argument[1]:
                first = self._state()
                self.empty[start].append(first)
                self.empty[self._sequence(first, branch)].append(end)
            return end
        if operator in ("MAX_REPEAT", "MIN_REPEAT"):
            least, most, inner = argument
            assert int(most) <= NATIONAL_DIGITS_MAX, "an unbounded repetition"
            ends = [start] if least == 0 else []
            for count in range(1, int(most) + 1):
                start = self._sequence(start, inner)
                if count >= least:
                    ends.append(start)
            end = self._state()
            for each in ends:
                self.empty[each].append(end)
            return end
        if operator == "AT":
            # Only the end, and only at the end: see `reads_off`.
            assert str(argument) == "AT_END", argument
            return start
        end = self._state()
        self.edges[start].append((self._digits(operator, argument), end))
        return end

    def _digits(self, operator, argument):
        if operator == "LITERAL":
            return {int(chr(argument))}
        assert operator == "IN", operator
        digits = set()
        for kind, what in argument:
            if str(kind) == "LITERAL":
                digits.add(int(chr(what)))
            elif str(kind) == "RANGE":
                digits |= set(range(int(chr(what[0])), int(chr(what[1])) + 1))
            else:
                assert str(what) == "CATEGORY_DIGIT", what
                digits |= set(DIGITS)
        return digits

    def closure(self, states):
        found, waiting = set(states), list(states)
        while waiting:
            for after in self.empty[waiting.pop()]:
                if after not in found:
                    found.add(after)
                    waiting.append(after)
        return found

    def _rest_lengths(self):
        """For each state, how many digits may follow until the end, as a set of bits."""
        rest = [0] * len(self.edges)
        rest[self.end] = 1
        is_changing = True
        while is_changing:
            is_changing = False
            for state in range(len(rest)):
                bits = rest[state]
                for after in self.empty[state]:
                    bits |= rest[after]
                for digits, after in self.edges[state]:
                    bits |= (rest[after] << 1) if digits else 0
                if bits != rest[state]:
                    rest[state] = bits
                    is_changing = True
        return rest

    def after(self, prefix):
        """The states after a prefix."""
        states = self.closure({0})
        for digit in map(int, prefix):
            states = self.closure({
                after for state in states for digits, after in self.edges[state] if digit in digits
            })
        return states

    def begins_with(self, prefix):
        """Whether any text of the language begins with this."""
        return any(self.rest[state] for state in self.after(prefix))

    def meets(self, prefix):
        """Whether any text of the language begins with this, or this with a text of it."""
        return self.begins_with(prefix) or any(
            self.end in self.after(prefix[:length]) for length in range(1, len(prefix) + 1)
        )


def dump():
    """Prints what the release on the path knows of each calling code, as JSON."""
    from phonenumbers import PhoneMetadata
    from phonenumbers import __version__
    from phonenumbers.data import _COUNTRY_CODE_TO_REGION_CODE as regions_of_code
    from phonenumbers.shortdata import _AVAILABLE_REGION_CODES as short_regions

    def patterns(metadata, names):
        found = (getattr(metadata, name, None) for name in names)
        found = (each and each.national_number_pattern for each in found)
        # Old releases write NA where there is no such number.
        return {each for each in found if each and each != "NA"}

    codes = {}
    for code, regions in regions_of_code.items():
        own = codes[code] = {name: set() for name in (*KNOWN, "lengths")}
        for region in regions:
            if region == NON_GEOGRAPHIC:
                metadata = PhoneMetadata.metadata_for_nongeo_region(code)
            else:
                metadata = PhoneMetadata.metadata_for_region(region)
            own["numbers"] |= patterns(metadata, DESCRIPTIONS)
            # Without the waiting tone.
            own["dialled"] |= {(metadata.international_prefix or "").replace("~", "")}
            own["dialled"] |= {metadata.national_prefix or ""}
            own["rules"] |= {metadata.national_prefix_for_parsing or ""}
            if region in short_regions:
                short = PhoneMetadata.short_metadata_for_region(region)
                own["dialled"] |= patterns(short, ("emergency",))
                own["shorts"] |= patterns(short, ("short_code",))
            own["lengths"] |= {n for n in metadata.general_desc.possible_length or () if n > 0}
        codes[code] = {name: sorted(filter(None, known)) for name, known in own.items()}
    print(json.dumps({"version": __version__, "codes": codes}))


def releases(paths):
    """What the releases in these folders know, the oldest first."""
    found = []
    for path in paths:
        environment = {**os.environ, "PYTHONPATH": path}
        command = [sys.executable, __file__, "--dump"]
        found.append(json.loads(subprocess.check_output(command, env=environment)))
    return sorted(found, key=lambda each: [int(n) for n in each["version"].split(".")])


class Code:
    """What must not begin a token of a calling code."""

    def __init__(self, code, found):
        known = {name: set() for name in KNOWN}
        for release in found:
            own = release["codes"].get(code, {})
            for name in KNOWN:
                known[name] |= set(own.get(name, ()))
        known["dialled"] |= set(INTERNATIONAL_PREFIXES)
        self.lengths = found[-1]["codes"][code]["lengths"]
        self.numbers = [Automaton(pattern) for pattern in sorted(known["numbers"])]
        self.dialled = [Automaton(pattern) for pattern in sorted(known["dialled"])]
        self.shorts = [Automaton(pattern) for pattern in sorted(known["shorts"])]
        self.rules = [rule for pattern in sorted(known["rules"]) for rule in rules(pattern)]
        self.prefixes = {
            digits: [prefix for number in range(10**digits)
                     if self.is_free(prefix := f"{number:0{digits}}")]
            for digits in range(1, MARK_DIGITS_MAX + 1)
        }

    def is_free(self, prefix):
        return not (
            any(each.begins_with(prefix) for each in self.numbers)
            or any(each.meets(prefix) for each in self.dialled)
        )

    def is_quiet(self, prefix):
        return prefix[0] not in "01" and not any(each.meets(prefix) for each in self.shorts)

    def choices(self, length):
        """The sets of marks for a length of national numbers, the best first."""
        with_zero = []
        for digits, prefixes in self.prefixes.items():
            if digits > length:
                continue
            marks = [mark for mark in prefixes
                     if not any(reads_off(rule, mark, length) for rule in self.rules)]
            yield [mark for mark in marks if self.is_quiet(mark)]
            yield [mark for mark in marks if mark[0] not in "01"]
            yield [mark for mark in marks if mark[0] != "0"]
            with_zero.append(marks)
        yield from with_zero

    def marks(self, length):
        """The best marks that leave as many tokens as is wanted, else those that leave most.

        Of few digits no more is wanted than one mark of one digit leaves.
        """
        found, most = (), DOMAIN_MIN - 1
        for marks in self.choices(length):
            tokens = len(marks) * 10 ** (length - len(marks[0])) if marks else 0
            if tokens > most:
                found, most = tuple(marks), tokens
            if tokens >= min(DOMAIN_WANTED, 10 ** (length - 1)):
                break
        return found


def rules(pattern):
    """The alternatives of a rule for reading, each with whether it speaks of whole numbers."""
    depth, start, branches = 0, 0, []
    for place, character in enumerate(pattern):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "|" and depth == 0:
            branches.append(pattern[start:place])
            start = place + 1
    branches.append(pattern[start:])
    for branch in branches:
        yield Automaton(branch), branch.rstrip(")").endswith("$")


def reads_off(rule, prefix, length):
    """Whether a rule takes something off the front of a number that begins so."""
    automaton, is_whole = rule
    if not is_whole:
        return automaton.meets(prefix)
    rest = length - len(prefix)
    return any(automaton.rest[state] >> rest & 1 for state in automaton.after(prefix))


def rows(own):
    """The lengths of national numbers by their marks."""
    found = {}
    for length in own.lengths:
        found.setdefault(own.marks(length), []).append(length)
    return found


def verify(code, found):
    """Draws marked numbers, which the library must call possible and not valid."""
    import phonenumbers
    from phonenumbers.data import _COUNTRY_CODE_TO_REGION_CODE as regions_of_code

    source = random.Random(code)
    table = [(length, marks) for marks, lengths in found.items() for length in lengths if marks]
    faults = collections.Counter()
    for _ in range(DRAWN_PER_CODE if table else 0):
        length, marks = source.choice(table)
        mark = source.choice(marks)
        national = mark + "".join(source.choices("0123456789", k=length - len(mark)))
        number = phonenumbers.parse(f"+{code}{national}")
        faults["valid"] += phonenumbers.is_valid_number(number)
        faults["not possible"] += not phonenumbers.is_possible_number(number)
        read = phonenumbers.national_significant_number(number)
        faults["read otherwise"] += read != national
    marks = tuple({mark for each in found for mark in each})
    for region in regions_of_code[code]:
        for kind in phonenumbers.PhoneNumberType.values():
            if region == NON_GEOGRAPHIC:
                example = phonenumbers.example_number_for_non_geo_entity(code)
            else:
                example = phonenumbers.example_number_for_type(region, kind)
            national = example and phonenumbers.national_significant_number(example)
            faults["example"] += bool(example) and national.startswith(marks)
    return faults


def main(paths):
    found = releases(paths)
    versions = ", ".join(release["version"] for release in found)
    print(f"# Made by generate.py from phonenumbers {versions}")
    print("# (Apache-2.0), the metadata of Google's libphonenumber.")
    print("# calling code, lengths of the national number, prefixes that no number begins with")
    counts, without, faults = collections.Counter(), [], collections.Counter()
    # What verifies is the last release.
    sys.path.insert(0, max(paths, key=lambda path: [int(n) for n in version_of(path)]))
    for code in sorted(found[-1]["codes"], key=int):
        own = rows(Code(code, found))
        faults += verify(int(code), own)
        for marks, lengths in own.items():
            print(code, " ".join(map(str, lengths)), " ".join(marks), sep="\t")
        digits = [len(marks[0]) for marks in own if marks]
        counts.update([min(digits)] if digits else [])
        without += [] if digits else [code]
    print("calling codes by the digits of their shortest marks:", dict(counts), file=sys.stderr)
    print("without any:", *without, file=sys.stderr)
    print("faults of", DRAWN_PER_CODE, "drawn for each code:", dict(+faults), file=sys.stderr)


def version_of(path):
    return os.path.basename(path.rstrip("/")).split(".")


if __name__ == "__main__":
    if sys.argv[1:] == ["--dump"]:
        dump()
    else:
        main(sys.argv[1:])
