"""The second verifier, asked about many logs by one process.

Each line on standard input is a list in JSON: arguments of docs/examples/verify_log.py, for one
file. Each is answered by the line that the program writes when it is started with them; where it
says on standard error that a key is none, by a line that says so. Nothing is kept from one to the
next: keys, archives and what somebody kept are read anew.
"""

import contextlib
import io
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "docs" / "examples"))
sys.dont_write_bytecode = True

import verify_log


def answer(arguments):
    said, words, code = io.StringIO(), io.StringIO(), None
    sys.argv = ["verify_log.py", *arguments]
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(words):
            verify_log.main()
    except SystemExit as end:
        code = end.code
    line = said.getvalue()
    if code == 2 and "key" in words.getvalue().splitlines()[-1]:
        line = json.dumps({"verified": False, "wrong": words.getvalue().splitlines()[-1]}) + "\n"
    assert line.count("\n") == 1, f"code {code}: {line}"
    assert json.loads(line)["verified"] == (code == 0), f"code {code}: {line}"
    return line


for request in sys.stdin:
    print(answer(json.loads(request)), end="", flush=True)
