#!/usr/bin/env python3
"""A small case system: answers what Counterfoil asks of `[cases]` (docs/access.md).

usage: cases.py CASES.json [PORT]

CASES.json: {"T-1042": {"open": true, "assigned": "dev/agent", "subjects": ["cus_7"]}}
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


def answer(cases, query):
    case = cases.get(query.get("case_id", [""])[0])
    if case is None:
        return {"open": False, "assigned": False, "about_subject": False}
    wanted = query.get("subject", [])
    return {
        "open": case["open"],
        "assigned": query.get("person") == [case["assigned"]],
        "about_subject": bool(wanted) and set(wanted) <= set(case["subjects"]),
    }


def handler(cases):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps(answer(cases, parse_qs(urlsplit(self.path).query))).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Says nothing: paths name subjects."""

    return Handler


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        known = json.load(file)
    port = int(sys.argv[2]) if len(sys.argv) > 2 else 8090
    ThreadingHTTPServer(("127.0.0.1", port), handler(known)).serve_forever()
