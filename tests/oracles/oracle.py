"""Asks the validators of others about values and their tokens.

    python3 -m venv /tmp/oracles && /tmp/oracles/bin/pip install --requirement requirements.txt
    /tmp/oracles/bin/python oracle.py < pairs.tsv
    /tmp/oracles/bin/python oracle.py --self-test

A line of the input is `kind<TAB>value<TAB>token`. A kind is `email`, `card`, `iban`, `phone`,
`date_of_birth` or `national_id.SCHEME`; a suffix says how the field is configured: `card/valid`,
`iban/valid`, `phone/valid`, `date_of_birth/DD.MM.YYYY`. A value must be accepted; a marked token
must be refused, and a valid one accepted. Findings name lines, not values. Exit code 1 if there is
any.
"""

import argparse
import collections
import datetime
import importlib
import pathlib
import re
import sys

import email_validator
import phonenumbers
import schwifty
from idnumbers.nationalid import AUS
from idnumbers.nationalid import GBR
from idnumbers.nationalid import HKG
from idnumbers.nationalid import SGP
from stdnum import iban as stdnum_iban
from stdnum import luhn
from stdnum.exceptions import InvalidComponent
from stdnum.exceptions import ValidationError

import draw
import rules

HERE = pathlib.Path(__file__).parent
SCHEMES = HERE.parent.parent / "src" / "format" / "builtin" / "national_id"
DRAWN_PER_SCHEME = 500

# The module of python-stdnum for each scheme that it knows.
MODULES = {
    "ar_cuit": "ar.cuit", "at_vsnr": "at.vnr", "au_tfn": "au.tfn", "be_nn": "be.ssn",
    "bg_egn": "bg.egn", "br_cpf": "br.cpf", "ca_sin": "ca.sin", "ch_ahv": "ch.ssn",
    "cl_rut": "cl.rut", "cn_ric": "cn.ric", "cz_rodne_cislo": "cz.rc", "de_steuer_id": "de.idnr",
    "dk_cpr": "dk.cpr", "ec_ci": "ec.ci", "es_dni": "es.nif", "fi_hetu": "fi.hetu",
    "fr_nir": "fr.nir", "gr_afm": "gr.vat", "gr_amka": "gr.amka", "hr_oib": "hr.oib",
    "id_nik": "id.nik", "ie_pps": "ie.pps", "il_id": "il.idnr", "in_aadhaar": "in_.aadhaar",
    "in_pan": "in_.pan", "is_kennitala": "is_.kennitala", "jp_my_number": "jp.in_",
    "kr_rrn": "kr.rrn", "mx_curp": "mx.curp", "my_nric": "my.nric", "nl_bsn": "nl.bsn",
    "no_fnr": "no.fodselsnummer", "pl_pesel": "pl.pesel", "pt_nif": "pt.nif", "ro_cnp": "ro.cnp",
    "rs_jmbg": "si.emso", "ru_inn": "ru.inn", "se_personnummer": "se.personnummer",
    "si_emso": "si.emso", "th_pin": "th.pin", "tr_tckn": "tr.tckimlik", "ua_rnokpp": "ua.rntrc",
    "uk_nhs": "gb.nhs", "us_itin": "us.itin", "us_ssn": "us.ssn", "za_id": "za.idnr",
}

# What says so of those that it does not know: idnumbers, which reads no parentheses, or the rules.
OTHERS = {
    "au_medicare": AUS.MedicareNumber.validate,
    "hk_hkid": lambda text: HKG.NationalID.validate(re.sub("[()]", "", text)),
    "sg_nric": SGP.NationalID.validate,
    "tw_id": rules.is_tw_id,
    "uk_nino": GBR.NationalInsuranceNumber.validate,
    "us_mbi": rules.is_us_mbi,
}

# Where values are not asked for what the oracle asks: see the files of the schemes. Eight digits of
# a tax file number have weights of their own, which python-stdnum does not know.
LENIENT = {"au_tfn", "be_nn", "de_steuer_id", "is_kennitala", "kr_rrn", "uk_nino"}


def national_id(scheme, text):
    if scheme in OTHERS:
        return OTHERS[scheme](text)
    try:
        importlib.import_module(f"stdnum.{MODULES[scheme]}").validate(text)
    except InvalidComponent:
        # A day that does not exist or a place that is not in its table.
        return None
    except KeyError:
        # cn.ric stumbles over provinces without counties.
        return None
    except ValidationError:
        return False
    return True


def judge_national_id(scheme, value, token):
    accepted = national_id(scheme, value)
    yield "value", None if scheme in LENIENT and not accepted else accepted
    # What is refused for a component is refused.
    yield "marked token", national_id(scheme, token) is not True


def judge_card(is_valid, value, token):
    yield "value", luhn.is_valid(value)
    yield ("valid token" if is_valid else "marked token"), luhn.is_valid(token) == is_valid
    yield "length", len(value) == len(token)


def judge_iban(is_valid, value, token):
    for name, accepts in (("schwifty", is_schwifty), ("stdnum", is_stdnum_iban)):
        yield f"value by {name}", accepts(value)
        words = "valid token" if is_valid else "marked token"
        yield f"{words} by {name}", accepts(token) == is_valid
    yield "country", value[:2].upper() == token[:2].upper()


def is_schwifty(text):
    return schwifty.IBAN(text, allow_invalid=True).is_valid


def is_stdnum_iban(text):
    # Not what countries check inside the account.
    return stdnum_iban.is_valid(text, check_country=False)


def judge_phone(is_valid, value, token):
    lengths = len(value), len(token)
    value, token = phonenumbers.parse(value), phonenumbers.parse(token)
    significant = phonenumbers.national_significant_number
    yield "value", phonenumbers.is_possible_number(value)
    yield "calling code", value.country_code == token.country_code
    yield "length", lengths[0] == lengths[1]
    if not is_valid:
        # A valid one may begin with a trunk prefix, which the library strips.
        yield "length as read", len(significant(value)) == len(significant(token))
    if is_valid:
        yield "valid token", phonenumbers.is_possible_number(token)
    else:
        yield "marked token", not phonenumbers.is_valid_number(token)


def judge_email(_, value, token):
    if is_email(value):
        yield "token", is_email(token)
    else:
        yield "value", None


def is_email(text):
    try:
        email_validator.validate_email(
            text, check_deliverability=False, test_environment=True, allow_quoted_local=True
        )
    except email_validator.EmailNotValidError:
        return False
    return True


def judge_date_of_birth(layout, value, token):
    layout = layout or "YYYY-MM-DD"
    pattern = layout.replace("YYYY", "%Y").replace("MM", "%m").replace("DD", "%d")
    year = lambda text: datetime.datetime.strptime(text, pattern).year
    yield "value", 1850 <= year(value) <= 2150
    yield "marked token", not 1850 <= year(token) <= 2150
    yield "length", len(value) == len(token)


def judge(kind, value, token):
    """What was asked, and whether the answer is as it should be; nothing if nobody knows."""
    kind, _, option = kind.partition("/")
    name, _, scheme = kind.partition(".")
    if name == "national_id":
        return judge_national_id(scheme, value, token)
    if name == "date_of_birth":
        return judge_date_of_birth(option, value, token)
    judges = {"card": judge_card, "email": judge_email, "iban": judge_iban, "phone": judge_phone}
    if name not in judges or option not in ("", "valid"):
        raise ValueError(f"no oracle for kind {kind}")
    return judges[name](option == "valid", value, token)


def findings(lines):
    """Yields (line number, kind, what was asked, answer) for each question."""
    for number, line in enumerate(lines, 1):
        line = line.rstrip("\n")
        if line and not line.startswith("#"):
            kind, value, token = line.split("\t")[:3]
            try:
                for question, answer in judge(kind, value, token):
                    yield number, kind, question, answer
            except (ValueError, phonenumbers.NumberParseException):
                yield number, kind, "reading", False


def report(lines):
    """Prints the findings and a summary; returns how many there are."""
    counts, faults = collections.defaultdict(collections.Counter), 0
    for number, kind, question, answer in findings(lines):
        counts[kind, question]["unsure" if answer is None else "right" if answer else "wrong"] += 1
        if answer is False:
            faults += 1
            print(f"line {number}: {kind}: {question} is not as it should be")
    for (kind, question), answers in sorted(counts.items()):
        said = ", ".join(f"{answers[word]:,} {word}" for word in ("right", "wrong", "unsure"))
        print(f"{kind}: {question}: {said}")
    return faults


def drawn():
    """Values and marked tokens that `draw` makes from the specifications."""
    for path in sorted(SCHEMES.glob("*.toml")):
        grammar = draw.Grammar(path.read_text(encoding="utf-8"))
        for _ in range(DRAWN_PER_SCHEME):
            yield f"national_id.{path.stem}\t{grammar.value()}\t{grammar.token()}"


def self_test():
    """The lines of a small file are judged as their fourth column says; drawn ones have no fault."""
    faults = 0
    lines = (HERE / "self_test.tsv").read_text(encoding="utf-8").splitlines()
    wrong = collections.defaultdict(set)
    for number, _, question, answer in findings(lines):
        if answer is False:
            wrong[number].add(question)
    for number, line in enumerate(lines, 1):
        if line and not line.startswith("#"):
            expected = set(filter(None, (line.split("\t") + [""])[3].split(", ")))
            if wrong[number] != expected:
                faults += 1
                print(f"self_test.tsv line {number}: found {sorted(wrong[number])}")
    return faults + report(drawn())


def main():
    arguments = argparse.ArgumentParser(description="ask validators about values and tokens")
    arguments.add_argument("--self-test", action="store_true")
    faults = self_test() if arguments.parse_args().self_test else report(sys.stdin)
    print(f"{faults} wrong")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
