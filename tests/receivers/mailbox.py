#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small SMTP server (RFC 5321, 4954, 3207) that keeps what it is given.

  python3 tests/receivers/mailbox.py --port 0 --out FILE [--tls CERT KEY] [--login USER PASSWORD]
                                     [--refuse CODE --times N]

Prints its port. Each mail becomes one JSON line: sender, recipients, whether TLS was on and who had
logged in, and the text. With --refuse the next N recipients are answered with that code.
"""
import argparse
import base64
import json
import os
import signal
import socketserver
import ssl
import sys


class Session(socketserver.StreamRequestHandler):
    def say(self, line):
        self.wfile.write((line + "\r\n").encode())
        self.wfile.flush()

    def handle(self):
        self.secure, self.user, self.sender, self.to = False, None, None, []
        self.say("220 mailbox.test ESMTP")
        while line := self.rfile.readline(2000):
            verb, _, rest = line.decode("ascii").strip().partition(" ")
            step = getattr(self, "do_" + verb.lower(), None)
            if verb.upper() == "QUIT":
                return self.say("221 bye")
            if step is None:
                self.say("502 what is that")
            else:
                step(rest)
        return None

    def do_ehlo(self, _):
        server = self.server
        lines = ["mailbox.test", "8BITMIME", "SIZE 10000000"]
        lines += ["STARTTLS"] if server.context and not self.secure else []
        open_to_log_in = server.login and (self.secure or not server.context)
        lines += ["AUTH PLAIN LOGIN"] if open_to_log_in else []
        for i, text in enumerate(lines):
            self.say(f"250{' ' if i == len(lines) - 1 else '-'}{text}")

    def do_starttls(self, _):
        self.say("220 go on")
        self.request = self.server.context.wrap_socket(self.request, server_side=True)
        self.rfile, self.wfile = self.request.makefile("rb"), self.request.makefile("wb")
        self.secure = True

    def do_auth(self, rest):
        kind, _, first = rest.partition(" ")
        if not first:
            self.say("334 ")
            first = self.rfile.readline().decode().strip()
        _, user, password = base64.b64decode(first).decode().split("\0")
        if kind != "PLAIN" or [user, password] != self.server.login:
            self.say("535 5.7.8 authentication failed")
        else:
            self.user = user
            self.say("235 2.7.0 welcome")

    def do_mail(self, rest):
        if self.server.login and not self.user:
            self.say("530 5.7.0 authentication required")
            return
        self.sender, self.to = rest.split("<")[1].split(">")[0], []
        self.say("250 ok")

    def do_rcpt(self, rest):
        server = self.server
        if server.refusals:
            server.refusals -= 1
            self.say(f"{server.code} {'not now' if server.code < 500 else 'no such box'}")
            return
        self.to.append(rest.split("<")[1].split(">")[0])
        self.say("250 ok")

    def do_rset(self, _):
        self.say("250 ok")

    def do_data(self, _):
        self.say("354 end with a dot")
        text = b""
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            text += line[1:] if line.startswith(b".") else line
        with open(self.server.out, "a", encoding="utf-8") as out:
            out.write(json.dumps({"from": self.sender, "to": self.to, "tls": self.secure,
                                  "user": self.user, "text": text.decode("ascii")}) + "\n")
        self.say("250 kept")


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = allow_reuse_address = True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--out", required=True)
    parser.add_argument("--tls", nargs=2)
    parser.add_argument("--login", nargs=2)
    parser.add_argument("--refuse", type=int, default=450)
    parser.add_argument("--times", type=int, default=0)
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    server = Server(("127.0.0.1", args.port), Session)
    server.out, server.login, server.context = args.out, args.login, None
    server.code, server.refusals = args.refuse, args.times
    if args.tls:
        server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.context.load_cert_chain(*args.tls)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    sys.exit(main())
