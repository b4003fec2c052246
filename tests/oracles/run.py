"""Sends values through the program, and asks the validators of others about its tokens.

    ./dev oracles

A vault for development is made in a temporary directory, with a field for every format. Values are
those of the corpora; IBANs, dates and national ids are drawn. Each is tokenized by the command
line, and the pairs go to `oracle.py`. Exit code 1 if an oracle finds a fault, or a kind has no
pairs.
"""

import datetime
import os
import pathlib
import random
import subprocess
import sys
import tempfile

import phonenumbers
import schwifty

import draw
import oracle

CORPORA = oracle.HERE.parent / "corpora"
COUNT = 2_000
DRAWN_PER_SCHEME = 200
BATCH = 20


def corpus(name):
    for line in (CORPORA / name).read_text(encoding="utf-8").splitlines():
        value = line.partition("\t")[2]
        if "\\" not in value:
            yield value


def international(values):
    """Those that the library reads without a region."""
    for value in values:
        if value.startswith("+"):
            yield phonenumbers.format_number(
                phonenumbers.parse(value), phonenumbers.PhoneNumberFormat.E164
            )


def dates():
    first, days = datetime.date(1850, 1, 1), 109_938
    for _ in range(COUNT):
        yield (first + datetime.timedelta(days=random.randrange(days))).isoformat()


def fields():
    """Kind of the oracle, field, its configuration, its values."""
    emails = [value for value in corpus("emails.tsv") if oracle.is_email(value)]
    cards = list(corpus("cards.tsv"))
    phones = list(international(corpus("phones.tsv")))
    ibans = [str(schwifty.IBAN.random()) for _ in range(COUNT)]
    domain = 'token_domain = "tok.shop.example.com"'
    yield "email", f'format = "email"\n{domain}', emails
    yield "card", 'format = "card"', cards
    yield "card/valid", 'format = "card"\ntokens = "valid"', cards
    yield "iban", 'format = "iban"', ibans
    yield "iban/valid", 'format = "iban"\ntokens = "valid"', ibans
    yield "phone", 'format = "phone"', phones
    yield "phone/valid", 'format = "phone"\ntokens = "valid"', phones
    yield "date_of_birth", 'format = "date_of_birth"', list(dates())
    for path in sorted(oracle.SCHEMES.glob("*.toml")):
        grammar = draw.Grammar(path.read_text(encoding="utf-8"))
        values = [grammar.value() for _ in range(DRAWN_PER_SCHEME)]
        lines = f'format = "national_id"\nscheme = "{path.stem}"'
        yield f"national_id.{path.stem}", lines, values


def serve(program, directory):
    """A vault for development; its first line says that it answers."""
    vault = subprocess.Popen(
        [program, "serve", "--dev", directory], stdout=subprocess.PIPE, text=True
    )
    if not vault.stdout.readline():
        sys.exit("the vault does not start")
    return vault


def tokenize(program, directory, field, values):
    """Pairs of value and token; nothing for values that the program refuses.

    Few at a time: formats of countries are compiled when they are first needed, and all of them in
    one call would take a program that is not optimized longer than a call may take.
    """
    for start in range(0, len(values), BATCH):
        yield from tokenize_batch(program, directory, field, values[start : start + BATCH])


def tokenize_batch(program, directory, field, values):
    asked = subprocess.run(
        [program, "tokenize", "--dev", directory, "--field", field],
        input="".join(f"{value}\n" for value in values),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    tokens = asked.stdout.split("\n")[: len(values)]
    return [pair for pair in zip(values, tokens, strict=True) if pair[1]]


def pairs(program, directory):
    dev = pathlib.Path(directory)
    serve(program, directory).terminate()
    described = [(f"field{number}", *rest) for number, rest in enumerate(fields())]
    with open(dev / "config.toml", "a", encoding="utf-8") as config:
        for field, _, lines, _ in described:
            config.write(f"[namespaces.dev.fields.{field}]\n{lines}\n")
    vault = serve(program, directory)
    try:
        for field, kind, _, values in described:
            found = list(tokenize(program, directory, field, values))
            print(f"{kind}: {len(found)} of {len(values)} values tokenized")
            if not found:
                sys.exit(f"{kind} has no pairs")
            yield from (f"{kind}\t{value}\t{token}" for value, token in found)
    finally:
        vault.terminate()
        vault.wait()


def main():
    random.seed(int(os.environ.get("COUNTERFOIL_SEED", "1")))
    with tempfile.TemporaryDirectory() as directory:
        lines = list(pairs(sys.argv[1], os.path.join(directory, "dev")))
    sys.exit(1 if oracle.report(lines) else 0)


if __name__ == "__main__":
    main()
