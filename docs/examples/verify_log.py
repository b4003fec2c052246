#!/usr/bin/env python3
"""Verifies an export of a Counterfoil audit log, and receipts, with public keys alone.

It shares nothing with the vault but this description, so that whoever does not trust the vault's own
verifier has another. It needs Python 3.9 and the package `cryptography`.

    verify_log.py --public-key audit.vkey log.jsonl          the whole log
    verify_log.py --public-key audit.vkey --receipt R...     receipts (C2SP tlog-proof)
    verify_log.py --public-key audit.vkey --archive DIR log.jsonl    with the beginning that DIR has
    verify_log.py --public-key audit.vkey --kept K log.jsonl         and whether it began as K says
    verify_log.py --public-key audit.vkey --witness-key w1.vkey log.jsonl    and who has seen it

Exit code 0: verified. 2: usage. 4: something is wrong, and the first such thing is named.

What is checked: each leaf (16 bytes of salt, then the entry, a protobuf message in its one encoding)
hashes into a Merkle tree (RFC 6962) whose root the checkpoint (C2SP tlog-checkpoint, signed-note,
Ed25519) says; the fields of a line are those of its leaf; indexes have no gap, times do not go back, an
outcome has its intent; of an erased entry there is its leaf's hash, and a later entry that says so;
another signing key comes only by the one before it; a signature in the name of a known key is its own;
a cosigned checkpoint is one of the log. With --kept, the log begins as a checkpoint or a receipt says that
somebody kept, so that it neither went back nor is another. With --witness-key, a witness has cosigned
(C2SP tlog-cosignature, Ed25519) a checkpoint of the log, or that of the receipt.
"""

import argparse
import base64
import collections
import functools
import hashlib
import json
import os
import re
import sys
import unicodedata

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class Wrong(Exception):
    """What is wrong with a log or a receipt."""


# --- Signed notes ---------------------------------------------------------------------------------

VerifierKey = collections.namedtuple("VerifierKey", "name id public")

# The kinds of signature: a log's, and a witness's, which has its time before it.
LOG, WITNESS = b"\x01", b"\x04"
# The longest note, and the most signatures that it may have; the longest name of a key, in bytes.
NOTE_BYTES, SIGNATURES, NAME_BYTES = 64 * 1024, 32, 255


def verifier_key(name, public, kind=LOG):
    digest = hashlib.sha256(name.encode() + b"\n" + kind + public).digest()
    return VerifierKey(name, digest[:4], public)


def read_verifier_key(line, kind=LOG):
    name, key_id, key = line.split("+", 2)
    blob = base64.b64decode(key, validate=True)
    own = verifier_key(name, blob[1:], kind)
    is_same = line == f"{name}+{own.id.hex()}+{base64.b64encode(blob).decode()}"  # its one spelling
    if blob[:1] != kind or len(blob) != 33 or not is_same or not is_key_name(name):
        raise ValueError("not a public key of " + ("a log" if kind == LOG else "a witness"))
    return own


def is_key_name(text):
    """Whether it can be the name of a key, and so of a log."""
    forbidden = any(c.isspace() or unicodedata.category(c) == "Cc" or c == "+" for c in text)
    return 0 < len(text.encode()) <= NAME_BYTES and not forbidden


def read_note(note):
    """The text of a note, and its signatures: (key name, key id, signature)."""
    text, _, lines = note.rpartition("\n\n")
    is_text = len(note.encode()) <= NOTE_BYTES and not any(c < " " and c != "\n" for c in note)
    if not text or not lines.endswith("\n") or not is_text:
        raise Wrong("checkpoint is no signed note")
    lines = lines[:-1].split("\n")
    if len(lines) > SIGNATURES:
        raise Wrong("checkpoint has too many signatures")
    signatures = []
    for line in lines:
        parts = line.split(" ")
        if len(parts) != 3 or parts[0] != "\u2014" or not is_key_name(parts[1]):
            raise Wrong("checkpoint is no signed note")
        blob = decode_base64(parts[2], "signature")
        if len(blob) < 5:
            raise Wrong("checkpoint is no signed note")
        signatures.append((parts[1], blob[:4], blob[4:]))
    return text + "\n", signatures


# What the eight points of small order are encoded as, without the sign of x, which is the top bit: five
# values of y, and two that are not reduced (p and p + 1). With such a key anybody's signature verifies, and
# with such a first half one of any text may: RFC 8032 leaves it open, and OpenSSL takes them. Source:
# Chalkias, Garillot, Nikolaenko, "Taming the many EdDSAs" (2020); libsodium's ge25519_has_small_order.
SMALL_ORDER = {bytes.fromhex(low) for low in [
    "00" * 32, "01" + "00" * 31, "ec" + "ff" * 30 + "7f", "ed" + "ff" * 30 + "7f", "ee" + "ff" * 30 + "7f",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"]}


def is_small_order(point):
    return point[:31] + bytes([point[31] & 127]) in SMALL_ORDER


def is_own(key, signature, text):
    """Verifies a signature in the name of a key."""
    if len(signature) != 64 or is_small_order(key.public) or is_small_order(signature[:32]):
        raise Wrong("signature does not verify")
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, text.encode())
    except InvalidSignature:
        raise Wrong("signature does not verify") from None
    return True


def has_signed(key, text, signatures):
    """Whether the key has signed; a signature in its name that is not its own is wrong."""
    return any([is_own(key, signature, text) for name, key_id, signature in signatures
                if (name, key_id) == (key.name, key.id)])


def cosigned_at(witnesses, text, signatures):
    """The latest time at which one of the witnesses cosigned, in seconds since 1970; None if none of
    them has. A cosignature in the name of one that is not its own is wrong."""
    times = []
    for witness in witnesses:
        for name, key_id, cosignature in signatures:
            if (name, key_id) == (witness.name, witness.id):
                time = int.from_bytes(cosignature[:8], "big")
                if len(cosignature) != 72 or time >= 1 << 63:
                    raise Wrong("signature does not verify")
                is_own(witness, cosignature[8:], f"cosignature/v1\ntime {time}\n{text}")
                times.append(time)
    return max(times, default=None)


def have_signed(keys, text, signatures):
    """Those of the keys that have signed. All are looked at: a signature in the name of any of them that
    is not its own is wrong, whichever key is given first and whoever else has signed."""
    return [key for key in keys if has_signed(key, text, signatures)]


def read_checkpoint(text):
    """Origin, size and root hash of a checkpoint's text."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[3]:
        raise Wrong("checkpoint is not in its form")
    size, root = number(lines[1], "tree size"), decode_base64(lines[2], "root hash")
    if len(root) != 32 or not is_key_name(lines[0]):
        raise Wrong("checkpoint is not in its form")
    return lines[0], size, root


def number(text, what):
    """A number of 64 bits in its one spelling: what Python takes for a digit elsewhere is none."""
    if not re.fullmatch("0|[1-9][0-9]{0,19}", text) or int(text) >= 1 << 64:
        raise Wrong(f"{what} is no number")
    return int(text)


def is_number(value):
    """Whether a value of JSON is a number of 64 bits: to Python, true is 1."""
    return type(value) is int and 0 <= value < 1 << 64


def decode_hashes(texts):
    """The hashes that a line of JSON lists."""
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise Wrong("hashes are no list of texts")
    hashes = [decode_base64(text, "hash") for text in texts]
    if any(len(one) != 32 for one in hashes):
        raise Wrong("hash has another length")
    return hashes


def dump(value):
    """JSON in its one spelling."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def decode_base64(text, what):
    try:
        decoded = base64.b64decode(text, validate=True)
    except ValueError:
        raise Wrong(f"{what} is not base64") from None
    if base64.b64encode(decoded).decode() != text:
        raise Wrong(f"{what} is not base64 in its one spelling")
    return decoded


# --- The tree -------------------------------------------------------------------------------------


def leaf_hash(leaf):
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """The right edge of a Merkle tree: the roots of its complete subtrees, the largest first."""

    def __init__(self):
        self.size, self.edge = 0, []

    def append(self, leaf):
        self.edge.append(leaf)
        size = self.size
        while size & 1:
            right, left = self.edge.pop(), self.edge.pop()
            self.edge.append(node_hash(left, right))
            size >>= 1
        self.size += 1

    def root(self):
        if not self.edge:
            return hashlib.sha256(b"").digest()
        root = self.edge[-1]
        for left in reversed(self.edge[:-1]):
            root = node_hash(left, root)
        return root


def root_of_path(index, size, leaf, path):
    """The root that an inclusion proof leads to (RFC 9162, section 2.1.3.2)."""
    node, last, computed = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise Wrong("proof is too long")
        if node & 1 or node == last:
            computed = node_hash(sibling, computed)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            computed = node_hash(computed, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise Wrong("proof is too short")
    return computed


def check_consistency(first, first_root, second, second_root, path):
    """Whether a tree goes on from a smaller one, which is not empty (RFC 9162, section 2.1.4.2)."""
    if first == second and first_root == second_root and not path:
        return
    if not 0 < first < second:
        raise Wrong("proof is of other sizes")
    if first & (first - 1) == 0:
        path = [first_root, *path]
    node, last = first - 1, second - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    before = after = path[0] if path else b""
    for sibling in path[1:]:
        if last == 0:
            raise Wrong("proof is too long")
        if node & 1 or node == last:
            before, after = node_hash(sibling, before), node_hash(sibling, after)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            after = node_hash(after, sibling)
        node, last = node >> 1, last >> 1
    if last or (before, after) != (first_root, second_root):
        raise Wrong("proof does not lead from one root to the other")


# --- Entries --------------------------------------------------------------------------------------

EVENT = dict(enumerate(
    "started stopped tokenize lookup inspect verify_match detokenize detokenize_outcome key_created "
    "namespace_created rollback_accepted subject_erased import_tokens".split(), 1))
EVENT.update(enumerate(
    "grant_requested grant_approved grant_denied grant_revoked frozen unfreeze decoys_created "
    "access_read exposure_reported subject_described audit_read".split(), 20))
EVENT.update(enumerate("policy_loaded person_refused backup_created".split(), 40))
EVENT.update(enumerate(
    "charter_founded operation_proposed operation_approved operation_cancelled operation_ended "
    "key_state_changed records_rewrapped charter_changed keys_read".split(), 50))
EVENT.update({60: "reindex", 61: "reindex_outcome", 62: "retokenize", 63: "retokenize_outcome",
              64: "entry_erased", 65: "root_key_rotated", 66: "log_pruned",
              68: "root_key_reshared"})


def names(text):
    return dict(enumerate(text.split(), 1))


DECISION = names("permit deny")
ERROR = names("denied exhausted internal invalid damaged unavailable")
LEVEL = names("full masked")
OUTCOME = names(
    "intended created found not_found revealed matched differed denied invalid expired erased "
    "key_unavailable exhausted damaged not_done conflict kept moved")
KEY_PURPOSE = names(
    "audit_fingerprint audit_signing token_fingerprint value_fingerprint wrapping domain_tag")
CAUSE = names("on_call decoy foreign_token denials budget_spent")
EFFECT = names("effective pending")
OPERATION = names(
    "change-charter compromise-key destroy-key resume-key rotate-key suspend-key accept-rollback "
    "rotate-root-key retokenize erase-entry prune-log")
CEREMONY_STATE = names("cancelled done expired failed proposed running waiting")
KEY_STATE = names("pre-activation active suspended deactivated compromised destroyed")

# Each message: field number -> (name, kind). A list is repeated; a dict names numbers or is a message.
# What has its default value (0, nothing) is not written, but for the fields that have a presence.
HASH, TOKEN, NUMBER, SMALL = "hash", "token", "number", "small number"
# Texts: the pattern of each kind, with the most characters that it may have.
NAME, OPAQUE = "[a-z][a-z0-9_-]{0,31}", "[A-Za-z0-9._:-]{1,64}"
PERSON = NAME + r"/[!#-.0-\[\]-~]{1,128}"
# A DNS name or a SPIFFE id, without an empty or a relative segment.
SEGMENT = r"(?![.]{1,2}(?:/|\Z))[A-Za-z0-9._-]+"
PRINCIPAL = rf"(?=.{{1,255}}\Z)(?:(?![.]{{1,2}}\Z)[a-z0-9.-]+|spiffe://{SEGMENT}(?:/{SEGMENT})*)"
FREEZE = (f"all|case:{NAME}:{OPAQUE}|certificate:[0-9a-f]{{64}}|grant:{OPAQUE}|namespace:{NAME}"
          f"|person:{PERSON}|principal:{PRINCIPAL}")
NAME, OPAQUE, PERSON, PRINCIPAL, FREEZE = [
    re.compile(pattern) for pattern in (NAME, OPAQUE, PERSON, PRINCIPAL, FREEZE)]
BYTES = {HASH: 32, TOKEN: 16}
PRESENT = {"records_count", "erased_index", "archived_size", "intent_index"}
LOST_HEAD = {1: ("size", NUMBER), 2: ("root", HASH)}
ACCESS = {1: ("grant_id", OPAQUE), 2: ("scope_digest", HASH), 3: ("freeze", FREEZE), 4: ("cause", CAUSE),
          5: ("effect", EFFECT)}
CEREMONY = {1: ("id", OPAQUE), 2: ("operation", OPERATION), 3: ("statement_digest", HASH),
            4: ("officers", [NAME]), 5: ("state", CEREMONY_STATE), 6: ("key_state", KEY_STATE),
            7: ("records_count", NUMBER), 8: ("charter_digest", HASH), 20: ("lost_head", LOST_HEAD),
            21: ("public_key", HASH), 22: ("erased_index", NUMBER),
            23: ("archived", LOST_HEAD), 24: ("register_digest", HASH), 30: ("archived_size", NUMBER)}
SHARE = {1: ("officer", NAME), 2: ("principal", PRINCIPAL), 3: ("credential", HASH)}
SHARING = {1: ("digest", HASH), 2: ("needed", SMALL), 3: ("officers", [NAME])}
ITEM = {1: ("field", SMALL), 2: ("subject", SMALL), 3: ("token", TOKEN), 4: ("key_version", SMALL),
        5: ("outcome", OUTCOME)}
ENTRY = {1: ("index", NUMBER), 2: ("time_unix_ms", NUMBER), 3: ("uptime_ms", NUMBER),
         4: ("event", EVENT), 5: ("principal", PRINCIPAL), 6: ("credential", HASH), 7: ("methods", [OPAQUE]),
         10: ("case_id", OPAQUE), 11: ("purpose", NAME), 12: ("namespace", NAME), 13: ("fields", [NAME]),
         14: ("subjects", [OPAQUE]), 15: ("items", [ITEM]), 16: ("policy_hash", HASH),
         17: ("decision", DECISION), 18: ("error", ERROR), 19: ("request_id", OPAQUE),
         20: ("intent_index", NUMBER), 21: ("key_purpose", KEY_PURPOSE), 22: ("key_version", SMALL),
         23: ("person", PERSON), 24: ("login", HASH), 25: ("level", LEVEL), 26: ("access", ACCESS),
         27: ("ceremony", CEREMONY), 28: ("token_key_version", SMALL), 40: ("shares_given", [SHARE]),
         41: ("sharing", SHARING)}
# What a message is nothing without.
NEEDED = [(ENTRY, {"event"}), (ITEM, {"outcome"}), (LOST_HEAD, {"root"}),
          (SHARE, {"officer", "principal", "credential"}), (SHARING, {"digest", "needed"})]
# The most items of a call, shares of a root key, and bytes of a line.
ITEMS, SHARES, LINE_BYTES = 1000, 16, 4 * 512 * 1024
ORDER = ("index time_unix_ms uptime_ms event principal credential person login methods case_id purpose "
         "namespace items token_key_version policy_hash decision error request_id level intent_index key_purpose "
         "key_version access ceremony shares_given sharing").split()


def varint(data, at):
    """A number in as few bytes as it needs."""
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise Wrong("entry cannot be read")
        value |= (data[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 128:
            if value >= 1 << 64 or (data[at - 1] == 0 and shift > 7):
                raise Wrong("entry is not in its one encoding")
            return value, at


def message(data, fields):
    """Reads a protobuf message; what its description does not have is wrong, and so is whatever else than
    the one encoding that a message has: fields in their order, and nothing that says nothing."""
    read, at, before = {}, 0, 0
    while at < len(data):
        tag, at = varint(data, at)
        if tag >> 3 not in fields:
            raise Wrong("entry has an unknown field")
        name, kind = fields[tag >> 3]
        if tag & 7 == 0:
            value, at = varint(data, at)
        elif tag & 7 == 2:
            length, at = varint(data, at)
            value, at = data[at:at + length], at + length
            if at > len(data):
                raise Wrong("entry cannot be read")
        else:
            raise Wrong("entry cannot be read")
        is_repeated = isinstance(kind, list)
        is_in_order = tag >> 3 > before or (tag >> 3 == before and is_repeated)
        if not is_in_order or not (value or name in PRESENT):
            raise Wrong("entry is not in its one encoding")
        before = tag >> 3
        if is_repeated:
            read.setdefault(name, []).append(field(value, kind[0]))
        else:
            read[name] = field(value, kind)
    if any(described is fields and not needed <= set(read) for described, needed in NEEDED):
        raise Wrong("entry cannot be read")
    return read


def field(value, kind):
    if isinstance(kind, dict) and isinstance(next(iter(kind.values())), tuple):
        if isinstance(value, bytes):
            return message(value, kind)
    elif isinstance(value, bytes):
        if kind in (HASH, TOKEN) and len(value) == BYTES[kind]:
            return value.hex()
        if isinstance(kind, re.Pattern) and kind.fullmatch(value.decode()):
            return value.decode()
    elif kind == NUMBER or (kind == SMALL and value < 1 << 32):
        return value
    elif isinstance(kind, dict) and value in kind:
        return kind[value]
    raise Wrong("entry has a field of another kind")


def check_names(entry, table, member):
    """The names that items refer to stand once each, in the order of the first items that do."""
    positions = [item[member] for item in entry.get("items", []) if member in item]
    names_once = list(dict.fromkeys(entry.get(table, [])))
    if entry.get(table, []) != names_once or list(dict.fromkeys(positions)) != list(
            range(1, len(names_once) + 1)):
        raise Wrong("entry is not in its one encoding")


def read_entry(data):
    """Reads an entry; what two or more of its fields say together has one encoding too."""
    entry = message(data, ENTRY)
    check_names(entry, "fields", "field")
    check_names(entry, "subjects", "subject")
    officers, needed = [entry.get("sharing", {}).get(name, 1) for name in ("officers", "needed")]
    is_sharing = "sharing" not in entry or (
        isinstance(officers, list) and needed <= len(officers) <= SHARES)
    if len(entry.get("items", [])) > ITEMS or len(entry.get("shares_given", [])) > SHARES or not is_sharing:
        raise Wrong("entry cannot be read")
    methods = entry.get("methods", [])
    is_split = ("key_purpose" in entry) != ("key_version" in entry)
    if methods != sorted(set(methods)) or is_split or entry.get("token_key_version") == 1:
        raise Wrong("entry is not in its one encoding")
    return entry


def arrange(read, fields):
    """The members of a message in the order of its fields."""
    return {name: read[name] for name, _ in fields.values() if name in read}


def item_line(item, entry):
    line = {"field": entry["fields"][item["field"] - 1] if "field" in item else None}
    if "subject" in item:
        line["subject"] = entry["subjects"][item["subject"] - 1]
    line.update({name: item[name] for name in ("token", "key_version", "outcome") if name in item})
    return line


def entry_line(entry, leaf):
    """The line of an export that an entry has."""
    shown = {"index": 0, "time_unix_ms": 0, "uptime_ms": 0, **entry}
    shown["items"] = [item_line(item, entry) for item in entry.get("items", [])]
    for name, fields in (("access", ACCESS), ("ceremony", CEREMONY), ("sharing", SHARING)):
        if name in shown:
            shown[name] = arrange(shown[name], fields)
            for point in {"lost_head", "archived"} & set(shown[name]):
                shown[name][point] = {"size": 0, **shown[name][point]}
    line = {name: shown[name] for name in ORDER if name in shown and shown[name] != []}
    line["leaf"] = base64.b64encode(leaf).decode()
    return dump(line)


# --- The log --------------------------------------------------------------------------------------


class Log:
    """What is known of a log while it is read from its beginning."""

    def __init__(self, given, kept=(), witnesses=()):
        self.given, self.kept, self.witnesses = given, kept, witnesses
        self.tree, self.counts = Tree(), collections.Counter()
        self.time, self.open_intents, self.announced = 0, set(), None
        self.current, self.is_believed, self.successors = None, False, []
        self.is_first_given = False  # whether a given key handed over to the first successor
        # The log as it was read so far, where it had the size of a checkpoint that somebody kept.
        self.roots = {size: None for _, _, size, _, _ in kept}
        # The cosigned checkpoint: size, note, and whether the log had not come under another key by then.
        self.cosigned = None
        # Erased entries that nothing has told of yet; those that may be an intent without an outcome.
        self.untold, self.perhaps_intents, self.erased_count = set(), set(), 0
        # Those that something told of; what was archived before that was written; of it, how many more
        # were erased since; which are erased.
        self.told, self.archived_size, self.still_archived_count = set(), 0, 0
        self.erased_indexes = set()
        # The end of the segment that was read last: index, proof, checkpoint.
        self.segment_end = None
        # Where an archive ends that the log is compared with, and the root of the log there.
        self.compared = (0, None)
        # Where the log begins that is given, and what it says last of what was archived: size, root.
        self.begins, self.archived = (0, None), None
        self.note_root()

    def entry(self, text, leaf_text):
        index = self.tree.size
        leaf = decode_base64(leaf_text, f"leaf {index}")
        try:
            entry = read_entry(leaf[16:])
            line = entry_line(entry, leaf)
        except (KeyError, IndexError, UnicodeDecodeError):
            raise Wrong(f"entry {index} cannot be read") from None
        if line != text:
            raise Wrong(f"line of entry {index} is not what its leaf says")
        if entry.get("index", 0) != index:
            raise Wrong(f"entry {index} is missing, or not in its place")
        if entry.get("time_unix_ms", 0) < self.time:
            raise Wrong(f"entry {index} is earlier than the one before it")
        self.time = entry.get("time_unix_ms", 0)
        self.intent(index, entry)
        self.erasure(index, entry)
        self.pruning(index, entry)
        key = entry.get("ceremony", {}).get("public_key")
        if key is not None:
            if self.announced is not None:
                raise Wrong(f"entry {index} announces a second signing key")
            self.announced = bytes.fromhex(key)
        self.counts[entry["event"]] += 1
        self.append(leaf_hash(leaf))

    def append(self, leaf):
        self.tree.append(leaf)
        if self.tree.size == self.compared[0]:
            self.compared = (self.tree.size, self.tree.root())
        self.note_root()

    def note_root(self):
        if self.tree.size in self.roots:
            self.roots[self.tree.size] = self.tree.root()

    def intent(self, index, entry):
        is_outcome = entry["event"] == "detokenize_outcome"
        of = entry.get("intent_index")
        known = of in self.open_intents or of in self.perhaps_intents or (of or 0) < self.begins[0]
        if is_outcome != (of is not None) or (is_outcome and not known):
            raise Wrong(f"entry {index} is an outcome without its intent")
        self.open_intents.discard(of)
        self.perhaps_intents.discard(of)
        if entry["event"] == "detokenize" and entry.get("decision") != "deny":
            self.open_intents.add(index)

    def erasure(self, index, entry):
        of = entry.get("ceremony", {}).get("erased_index")
        is_erasure = entry["event"] == "entry_erased"
        known = of in self.untold or (of or 0) < self.begins[0]
        # An archive has what the log had when it was written.
        if not known and of is not None and of < self.archived_size and of not in self.told:
            known = True
            self.still_archived_count += 1
        if is_erasure != (of is not None) or (is_erasure and not known):
            raise Wrong(f"entry {index} says that an entry before it was erased, and that is not so")
        self.untold.discard(of)
        if of is not None:
            self.told.add(of)

    def pruning(self, index, entry):
        point = entry.get("ceremony", {}).get("archived")
        is_behind = point is not None and point.get("size", 0) > index
        if (entry["event"] == "log_pruned") != (point is not None) or is_behind:
            raise Wrong(f"entry {index} does not say how much of the log was archived before it")
        if point is not None:
            self.archived = (point.get("size", 0), point["root"])
        size = entry.get("ceremony", {}).get("archived_size")
        if size is None:
            return
        if self.archived is None and self.begins[0]:
            is_told = size < self.begins[0]  # what was pruned before that, an entry of the archive says
        else:
            is_told = size == (self.archived[0] if self.archived else 0)
        if entry["event"] not in ("started", "stopped") or not is_told:
            raise Wrong(f"entry {index} does not say how much of the log was archived before it")

    def begin(self, text, members):
        """The first line of what begins behind others: the tree before it."""
        tree = members["archived"]
        if not isinstance(tree, dict) or list(tree) != ["size", "hashes"] or dump(members) != text:
            raise Wrong("first line is not in its one spelling")
        size, edge = tree["size"], decode_hashes(tree["hashes"])
        if not is_number(size) or len(edge) != bin(size).count("1"):
            raise Wrong("first line is no tree")
        if self.tree.size:
            if (self.tree.size, self.tree.edge) != (size, edge):
                raise Wrong(f"log does not go on from its archive at entry {size}")
            return
        self.tree.size, self.tree.edge = size, edge
        self.begins = (size, self.tree.root().hex())
        self.note_root()

    def end_segment(self, text, members):
        """The last line of a segment, which proves it to be of the log of a checkpoint."""
        end = members["segment"]
        if not isinstance(end, dict) or list(end) != ["end_index", "proof", "checkpoint"] or dump(
                {"segment": end}) != text:
            raise Wrong("last line of a segment is not in its one spelling")
        if not is_number(end["end_index"]) or not isinstance(end["checkpoint"], str):
            raise Wrong("last line of a segment does not say where it ends")
        self.segment_end = (end["end_index"], decode_hashes(end["proof"]), end["checkpoint"])

    def finish_segment(self):
        """Whether the log up to the end of its last segment is that of the checkpoint there."""
        end, proof, note = self.segment_end
        text, signatures = read_note(note)
        origin, size, root = read_checkpoint(text)
        believed = self.given + [self.current] * self.is_believed
        if not any(key.name == origin for key in have_signed(believed, text, signatures)):
            raise Wrong("there is no checkpoint that is signed by the given keys")
        check_consistency(end, self.tree.root(), size, root, proof)

    def erased(self, text, members):
        index = self.tree.size
        leaf = decode_base64(str(members["leaf_hash"]), f"hash of leaf {index}")
        if dump({"erased": index, "leaf_hash": members["leaf_hash"]}) != text or len(leaf) != 32:
            raise Wrong(f"entry {index} is missing, or not in its place")
        self.untold.add(index)
        self.perhaps_intents.add(index)
        self.erased_count += 1
        self.erased_indexes.add(index)
        self.append(leaf)

    def root(self, text):
        """The origin of a checkpoint, which must be the one of the tree that was read."""
        origin, size, root = read_checkpoint(text)
        if size != self.tree.size:
            raise Wrong(f"log has {self.tree.size} entries, its checkpoint says {size}")
        if root != self.tree.root():
            raise Wrong(f"entries are not those of the checkpoint of {size} entries")
        return origin

    def hand_over(self, note):
        if self.announced is None:
            raise Wrong("a handover stands where no key was announced")
        text, signatures = read_note(note)
        if self.cosigned is not None and self.cosigned[0] == self.tree.size:
            raise Wrong("a handover stands behind the cosigned checkpoint of its size")
        self.succeed(text, signatures)

    def succeed(self, text, signatures):
        """Comes under the announced key."""
        key = verifier_key(self.root(text), self.announced)
        if not has_signed(key, text, signatures):
            raise Wrong("the announced key has not signed")
        vouchers = have_signed(self.given, text, signatures)
        vouched = bool(vouchers)
        if self.current is None:
            self.is_first_given = any(voucher != key for voucher in vouchers)
        if self.current is not None:
            if not has_signed(self.current, text, signatures):
                raise Wrong("the key before does not vouch for the announced one")
            vouched = self.is_believed
        self.current, self.is_believed = key, vouched or key in self.given
        self.successors.append(key)
        self.announced = None

    def cosign(self, note):
        """The latest checkpoint that a witness has cosigned: of the log as it was read so far."""
        if self.cosigned is not None:
            raise Wrong(COSIGNED)
        text, _ = read_note(note)
        _, size, root = read_checkpoint(text)
        if (size, root) != (self.tree.size, self.tree.root()):
            raise Wrong(COSIGNED)
        self.cosigned = (size, note, not self.successors)

    def finish_kept(self):
        """Whether the log is what it was when somebody kept its checkpoints."""
        known, size = self.given + self.successors, self.tree.size
        for text, signatures, kept_size, _, origin in self.kept:
            try:
                signers = have_signed(known, text, signatures)
            except Wrong:  # one that is forged
                signers = []
            if not any(key.name == origin for key in signers):
                raise Wrong(f"the kept checkpoint of {kept_size} entries is not signed by the keys of the log")
        for _, _, kept_size, root, _ in self.kept:
            # Every log begins with the empty one.
            if 0 < kept_size < self.begins[0]:
                raise Wrong(f"entries before {self.begins[0]} are in an archive, which was not given")
            if kept_size <= size and self.roots[kept_size] != root:
                raise Wrong(f"the log is another than the one of the kept checkpoint of {kept_size} entries, "
                            "and the same key signed both")
        for _, _, kept_size, _, _ in self.kept:
            if kept_size > size:
                raise Wrong(f"the log has {size} entries, the kept checkpoint is of {kept_size}: it is older, "
                            "or went back")

    def finish_cosigned(self, origin):
        """How many entries a witness has seen, and when it said so."""
        if self.cosigned is None:
            if self.witnesses:
                raise Wrong(UNWITNESSED)
            return None, None
        size, note, is_of_first_key = self.cosigned
        text, signatures = read_note(note)
        signers = have_signed(self.given + self.successors, text, signatures)
        # Whoever knows the log by a later key need not have its first one.
        is_of_unknown_key = is_of_first_key and self.successors and not self.is_first_given
        is_signed = any(key.name == origin for key in signers)
        if read_checkpoint(text)[0] != origin or not (is_signed or is_of_unknown_key):
            raise Wrong(COSIGNED)
        time = cosigned_at(self.witnesses, text, signatures)
        if self.witnesses and time is None:
            raise Wrong(UNWITNESSED)
        return (size, time) if self.witnesses else (None, None)

    def finish(self, note):
        if self.begins[0] and self.archived != self.begins:
            raise Wrong(f"entries before {self.begins[0]} are missing without a word of the log")
        if self.untold:
            raise Wrong(f"entry {min(self.untold)} is missing without a word of the log")
        text, signatures = read_note(note)
        if self.announced is not None:
            self.succeed(text, signatures)
        origin = self.root(text)
        signers = have_signed(self.given, text, signatures)
        if self.current is not None:
            signers = have_signed([self.current] * self.is_believed, text, signatures)
        if not any(key.name == origin for key in signers):
            raise Wrong("there is no checkpoint that is signed by the given keys")
        self.finish_kept()
        return self.finish_cosigned(origin)


COSIGNED = "cosigned checkpoint is not one of the log, or has a signature that is not its key's"
UNWITNESSED = "the log has no checkpoint that a given witness has cosigned"


def begin_of(path):
    """How many entries a log begins behind."""
    with open(path, encoding="utf-8", newline="\n") as lines:
        first = re.match('{"archived":{"size":([1-9][0-9]*),', lines.readline())
    return int(first.group(1)) if first else 0


def segments_of(directory):
    """The segments of an archive: the first entry, the one after the last, the name. Each has one name,
    and what is called otherwise is none."""
    names = [re.fullmatch("(0|[1-9][0-9]*)-([1-9][0-9]*)[.]jsonl", name) for name in os.listdir(directory)]
    segments = [(int(name[1]), int(name[2]), name[0]) for name in names if name]
    return sorted(segment for segment in segments if segment[0] < segment[1] < 1 << 64)


def read_archive(log, directory, until):
    """Reads the segments of an archive that are before an index."""
    for first, end, name in segments_of(directory):
        if log.tree.size >= until:
            break
        if first != log.tree.size:
            raise Wrong(f"archive has no segment that begins with entry {log.tree.size}")
        path = os.path.join(directory, name)
        if begin_of(path) != first:
            raise Wrong(f"segment {name} does not begin with its entries")
        read_lines(log, path, (until, end))
        if log.tree.size != min(until, end):
            raise Wrong(f"segment {name} does not have its entries")
        if end <= until and log.segment_end[0] != end:
            raise Wrong(f"segment {name} says that it ends elsewhere")
        if log.tree.size == end and log.announced is not None:
            raise Wrong(f"segment {name} does not have its last handover")
        log.archived_size = log.tree.size
    if log.tree.size < until:
        raise Wrong(f"archive ends before entry {until}")


def compare_archive(log, directory, begins):
    """What both the log and the archive have is the same. The leaf of an erased entry has the hash that
    it had before: that the archive has every entry which the log has is compared by itself."""
    end, root = log.compared
    beside = Log(log.given + log.successors)
    read_archive(beside, directory, end)
    beside.finish_segment()
    if beside.tree.root() != root:
        raise Wrong(f"segment that ends before entry {end} is not a part of the log")
    for index in sorted(beside.erased_indexes - log.erased_indexes):
        if index >= begins:
            raise Wrong(f"archive does not have entry {index}, which the log has")
    since = log.erased_indexes - beside.erased_indexes
    log.still_archived_count += len([index for index in since if begins <= index < end])


def verify_log(path, keys, witnesses=(), kept=(), archive=None):
    log, begins = Log(keys, kept, witnesses), begin_of(path)
    if archive and begins:
        read_archive(log, archive, begins)
    if archive:
        log.compared = (max([end for _, end, _ in segments_of(archive)], default=0), None)
    checkpoint = read_lines(log, path)
    if checkpoint is None:
        raise Wrong("there is no checkpoint")
    witnessed_size, cosigned_time = log.finish(checkpoint)
    if archive and log.compared[0] > begins:
        compare_archive(log, archive, begins)
    return {"verified": True, "tree_size": log.tree.size, "root_hash": log.tree.root().hex(),
            "archived_size": log.begins[0], "erased_count": log.erased_count,
            "still_archived_count": log.still_archived_count,
            "witnessed_size": witnessed_size, "cosigned_unix_seconds": cosigned_time,
            "counts": dict(log.counts), "open_intents_count": len(log.open_intents)}


def read_lines(log, path, segment=None):
    """Reads an export, or a segment up to an entry; returns the checkpoint at the end."""
    checkpoint, is_first, is_over = None, True, False
    until, end = segment or (None, None)
    with open(path, encoding="utf-8", newline="\n") as lines:
        for text in lines:
            if not text.endswith("\n"):
                raise Wrong("last line is cut short")
            if len(text) > LINE_BYTES // 4 and len(text.encode()) > LINE_BYTES:
                raise Wrong("a line is too long")
            text = text[:-1]
            try:
                members = json.loads(text)
            except ValueError:
                raise Wrong("a line is not JSON") from None
            if not isinstance(members, dict):
                raise Wrong("a line is not an object")
            if checkpoint is not None:
                raise Wrong("something follows the checkpoint")
            was_first, is_first = is_first, False
            if set(members) == {"archived"} and was_first:
                log.begin(text, members)
                continue
            if is_over:
                raise Wrong("something follows the end of the segment")
            # Where the log has the rest of the segment, that is compared by itself.
            is_beyond = segment and end > until and log.tree.size >= until
            if is_beyond and set(members) != {"handover"}:
                break
            # The proof that a segment brings along is not needed where it is read with the whole log.
            if segment and set(members) == {"segment"}:
                log.end_segment(text, members)
                is_over = True
                continue
            if set(members) in ({"checkpoint"}, {"cosigned"}, {"handover"}):
                if dump(members) != text:
                    raise Wrong("line of a checkpoint is not in its one spelling")
                [(kind, note)] = members.items()
                if not isinstance(note, str):
                    raise Wrong("checkpoint is no text")
                if kind == "cosigned":
                    if segment:
                        raise Wrong("a segment has no cosigned checkpoint")
                    log.cosign(note)
                elif kind == "handover":
                    if log.announced is not None or not is_beyond:
                        log.hand_over(note)
                else:
                    checkpoint = note
                continue
            if set(members) == {"erased", "leaf_hash"}:
                log.erased(text, members)
                continue
            log.entry(text, str(members.get("leaf", "")))
        else:
            if segment and not is_over:
                raise Wrong("segment does not say where it ends")
    return checkpoint


# --- Receipts -------------------------------------------------------------------------------------


def read_text(path):
    with open(path, encoding="utf-8", newline="\n") as file:
        return file.read()


def read_kept(path):
    """A checkpoint that somebody kept, by itself or in a receipt: text, signatures, size, root, origin."""
    note = read_text(path)
    if note.startswith("c2sp.org/"):
        _, _, note = read_receipt(note)
    text, signatures = read_note(note)
    origin, size, root = read_checkpoint(text)
    return text, signatures, size, root, origin


def read_receipt(receipt):
    """A receipt is a tlog-proof whose extra data is the leaf's hash, or the leaf, which is longer:
    index, leaf hash, checkpoint."""
    if len(receipt.encode()) > NOTE_BYTES + 8 * 1024:
        raise Wrong("file is no receipt")
    proof, _, note = receipt.partition("\n\n")
    lines = proof.split("\n")
    if len(lines) < 3 or lines[0] != "c2sp.org/tlog-proof@v1":
        raise Wrong("file is no receipt")
    if not lines[1].startswith("extra ") or not lines[2].startswith("index "):
        raise Wrong("file is no receipt")
    leaf, index = decode_base64(lines[1][6:], "leaf hash"), number(lines[2][6:], "index")
    if len(leaf) > 32:
        leaf = leaf_hash(leaf)
    path_hashes = [decode_base64(line, "proof") for line in lines[3:]]
    if any(len(one) != 32 for one in [leaf, *path_hashes]) or len(path_hashes) > 64:
        raise Wrong("hash has another length")
    _, size, root = read_checkpoint(read_note(note)[0])
    if index >= size or root_of_path(index, size, leaf, path_hashes) != root:
        raise Wrong("proof does not lead to the root of the checkpoint")
    return index, leaf, note


def verify_receipt(path, keys, witnesses=()):
    index, leaf, note = read_receipt(read_text(path))
    text, signatures = read_note(note)
    origin, size, _ = read_checkpoint(text)
    if not any(key.name == origin for key in have_signed(keys, text, signatures)):
        raise Wrong("checkpoint is not signed by the given keys")
    time = cosigned_at(witnesses, text, signatures)
    if witnesses and time is None:
        raise Wrong("no given witness has cosigned its checkpoint")
    return {"verified": True, "leaf_index": index, "leaf_hash": leaf.hex(), "tree_size": size,
            "cosigned_unix_seconds": time}


def attempt(verify, path):
    """Writes the answer as a line of JSON, and says whether the file was verified."""
    try:
        answer = verify(path)
    except Exception as wrong:  # what cannot be read is not verified, and the next file is looked at
        answer = {"verified": False, "wrong": str(wrong) or type(wrong).__name__}
    print(json.dumps(answer, sort_keys=True), flush=True)
    return answer["verified"]


def read_keys(paths, kind):
    lines = [line for path in paths for line in re.split("\r?\n", read_text(path))]
    return [read_verifier_key(line, kind) for line in lines if line]


def kept_is_wrong(problem):
    print(json.dumps({"verified": False, "wrong": f"--kept: {problem}"}, sort_keys=True), flush=True)
    sys.exit(4)


def main():
    parser = argparse.ArgumentParser(description="Verifies a Counterfoil audit log, or receipts of it")
    parser.add_argument("--public-key", action="append", required=True, metavar="FILE",
                        help="the log's public key, a line for each; give it more than once for more")
    parser.add_argument("--witness-key", action="append", default=[], metavar="FILE",
                        help="a witness's public key, likewise; one of them must have cosigned")
    parser.add_argument("--kept", action="append", default=[], metavar="FILE",
                        help="a checkpoint or a receipt that somebody kept: the log must begin with it")
    parser.add_argument("--receipt", action="store_true", help="the files are receipts")
    parser.add_argument("--archive", metavar="DIR", help="segments with the beginning of the logs")
    parser.add_argument("files", nargs="+", metavar="FILE", help="exports, or receipts")
    arguments = parser.parse_args()
    try:
        keys = read_keys(arguments.public_key, LOG)
        witnesses = read_keys(arguments.witness_key, WITNESS)
    except (OSError, ValueError) as error:
        parser.error(f"public key cannot be read: {error}")
    if arguments.kept and arguments.receipt:
        parser.error("--kept is held against a log: leave out --receipt")
    if bool(witnesses) != bool(arguments.witness_key):
        parser.error("--witness-key has no key")
    try:
        # The one with the fewest entries first, which is the first that something can be wrong with.
        kept = sorted((read_kept(path) for path in arguments.kept), key=lambda one: one[2])
    except OSError as error:
        parser.error(f"--kept cannot be read: {error}")
    except (ValueError, Wrong) as wrong:
        kept_is_wrong(str(wrong))
    if arguments.receipt:
        verify = functools.partial(verify_receipt, keys=keys, witnesses=witnesses)
    else:
        verify = functools.partial(verify_log, keys=keys, witnesses=witnesses, kept=kept,
                                   archive=arguments.archive)
    verified = [attempt(verify, path) for path in arguments.files]
    sys.exit(0 if all(verified) and verified else 4)


if __name__ == "__main__":
    main()
