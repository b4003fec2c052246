"""A stock client that is not ours: grpcio, with code generated from proto/.

Starts a development vault with the program that is given, speaks to it as any service would, and
checks a receipt with nothing but SHA-256. Run it by `./dev python`, or by hand:

    pip install grpcio grpcio-tools
    python tests/python/check.py target/release/counterfoil
"""

import base64
import hashlib
import importlib
import pathlib
import subprocess
import sys
import tempfile

import grpc
from grpc_tools import protoc

ROOT = pathlib.Path(__file__).resolve().parents[2]


def generate(directory):
    """Compiles the protocol as any Python project would, and imports it."""
    files = [str(path) for path in sorted((ROOT / "proto").rglob("*.proto"))]
    flags = [f"--proto_path={ROOT / 'proto'}", f"--python_out={directory}"]
    flags += [f"--grpc_python_out={directory}"]
    wellknown = pathlib.Path(protoc.__file__).parent / "_proto"
    assert protoc.main(["protoc", f"--proto_path={wellknown}", *flags, *files]) == 0
    sys.path.insert(0, str(directory))
    names = ["token_pb2", "token_pb2_grpc", "detokenization_pb2", "detokenization_pb2_grpc"]
    return [importlib.import_module(f"counterfoil.v1.{name}") for name in names]


def start(program, directory):
    """Starts a development vault, and returns it with its two addresses."""
    command = [program, "serve", "--dev", directory]
    vault = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    ready = vault.stdout.readline().split()
    assert ready and ready[0] == "ready", "the vault did not start"
    return vault, dict(part.split("=") for part in ready[1:])


def channel(directory, address, identity):
    """A channel with the identity's client certificate."""
    read = lambda name: (pathlib.Path(directory) / name).read_bytes()
    credentials = grpc.ssl_channel_credentials(
        read("tls/ca.pem"),
        read(f"identities/{identity}.key"),
        read(f"identities/{identity}.pem"),
    )
    return grpc.secure_channel(address.replace("127.0.0.1", "localhost"), credentials)


def root_of(leaf_hash, index, proof, size):
    """The root that an inclusion proof leads to (RFC 9162, section 2.1.3.2)."""
    node, last, root = index, size - 1, leaf_hash
    for step in proof:
        if node % 2 or node == last:
            root = hashlib.sha256(b"\x01" + step + root).digest()
            while node % 2 == 0 and node:
                node, last = node >> 1, last >> 1
        else:
            root = hashlib.sha256(b"\x01" + root + step).digest()
        node, last = node >> 1, last >> 1
    assert last == 0
    return root


def main(program):
    passed = 0

    def check(holds, claim):
        nonlocal passed
        assert holds, claim
        passed += 1

    with tempfile.TemporaryDirectory() as directory:
        generated = pathlib.Path(directory) / "generated"
        generated.mkdir()
        token_pb2, token_grpc, reveal_pb2, reveal_grpc = generate(generated)
        dev = str(pathlib.Path(directory) / "dev")
        vault, addresses = start(program, dev)
        try:
            backend = channel(dev, addresses["token"], "dev-backend")
            tokens = token_grpc.TokenServiceStub(backend)
            reveals = reveal_grpc.DetokenizationServiceStub(
                channel(dev, addresses["reveal"], "dev-backend")
            )
            values = [
                ("name", "Ada Lovelace"),
                ("email", "ada@lovelace.example"),
                ("address", "12 St James's Square, London"),
                ("email", "not an address"),
            ]
            items = [
                token_pb2.TokenizeItem(field=field, value=value, subject="cus_1")
                for field, value in values
            ]
            request = token_pb2.TokenizeRequest(namespace="dev", request_id="r-1", items=items)
            made = tokens.Tokenize(request, timeout=10).results
            check(len(made) == 4, "one result for each item")
            check(all(one.token.created for one in made[:3]), "three tokens are new")
            check(made[3].error.code == grpc.StatusCode.INVALID_ARGUMENT.value[0], "one is bad")
            check("not an address" not in made[3].error.message, "the error has no value")
            again = tokens.Tokenize(request, timeout=10).results
            check(
                [one.token.token for one in again] == [one.token.token for one in made],
                "a retry has the same tokens",
            )
            check(made[1].token.token.endswith("@tok.dev.counterfoil.example"), "token domain")

            (streamed,) = tokens.TokenizeStream(iter([request]), timeout=10)
            check(streamed.results[0].token.token == made[0].token.token, "the stream agrees")

            lookup = token_pb2.LookupItem(field="email", value="ADA@lovelace.example")
            found = tokens.Lookup(
                token_pb2.LookupRequest(namespace="dev", items=[lookup]), timeout=10
            )
            check(found.results[0].token.token == made[1].token.token, "lookup finds the token")

            inspected = tokens.Inspect(
                token_pb2.InspectRequest(
                    namespace="dev",
                    items=[token_pb2.InspectItem(token=made[0].token.token.upper())],
                ),
                timeout=10,
            )
            check(inspected.results[0].description.field == "name", "inspect names the field")

            pair = token_pb2.VerifyMatchItem(
                field="name", token=made[0].token.token, value="Ada Lovelace"
            )
            matched = tokens.VerifyMatch(
                token_pb2.VerifyMatchRequest(namespace="dev", items=[pair]), timeout=10
            )
            check(matched.results[0].equal, "the claimed value matches")

            reveal = reveal_pb2.DetokenizeRequest(
                namespace="dev",
                items=[
                    reveal_pb2.DetokenizeItem(field=field, token=one.token.token)
                    for (field, _), one in zip(values[:3], made)
                ],
                level=reveal_pb2.LEVEL_FULL,
                purpose="support",
                case_id="T-1",
            )
            revealed = reveals.Detokenize(reveal, timeout=10)
            check(
                [one.value for one in revealed.results] == [value for _, value in values[:3]],
                "the values come back",
            )
            receipt = revealed.receipt
            lines = receipt.checkpoint.split("\n")
            root = root_of(
                receipt.leaf_hash, receipt.leaf_index, receipt.inclusion_proof, int(lines[1])
            )
            check(base64.b64encode(root).decode() == lines[2], "the receipt proves the entry")

            agent = reveal_grpc.DetokenizationServiceStub(
                channel(dev, addresses["reveal"], "agent")
            )
            try:
                agent.Detokenize(reveal, timeout=10)
                check(False, "an agent reveals nothing")
            except grpc.RpcError as error:
                check(error.code() == grpc.StatusCode.PERMISSION_DENIED, "an agent is denied")
        finally:
            vault.terminate()
            vault.wait(timeout=30)
        check(vault.returncode == 0, "the vault stops in order")
    print(f"{passed} passed, 0 failed")


if __name__ == "__main__":
    main(sys.argv[1])
