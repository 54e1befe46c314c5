#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A TCP proxy that does what networks do: it stands between a client and a server and spoils it.

  python3 tests/receivers/proxy.py --to PORT [--until-eof] FAULT...

Each FAULT gets a port of its own; all of them are printed in one line. A FAULT is a JSON object:
  {"fault": "delay", "way": "up", "seconds": 0.2}   holds the bytes of one direction back
  {"fault": "reset", "way": "down", "after": 0}   a reset, once so many bytes have passed
  {"fault": "cut", "way": "up", "after": 30}       an orderly end there
  {"fault": "stall", "way": "down", "after": 0}    nothing is let through from there on
  {"fault": "slow", "way": "up", "seconds": 1}      one byte every so many seconds
  {"fault": "garbage"}                              answers in place of the server
  {"fault": "half-open"}                            accepts, reads nothing and says nothing
  {"fault": "none"}
"way" is up, from the client to the server, or down. "times": so many connections suffer it, -1
(without it) all; those after them are let through. SIGTERM ends it, and so does the end of its
standard input with --until-eof.
"""
import argparse
import json
import os
import select
import signal
import socket
import struct
import sys
import threading
import time

GARBAGE = bytes(range(256)) * 4


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def is_gone(connection, seconds):
    """Waits so long, or until the other end has closed."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        if not select.select([connection], [], [], left)[0]:
            return False
        try:
            if not connection.recv(1, socket.MSG_PEEK):
                return True
        except OSError:
            return True
        time.sleep(min(left, 0.05))  # it has more to say, which nobody reads
    return False


class Line:
    """One connection through the proxy."""

    def __init__(self, client, server, fault):
        self.client, self.server, self.fault = client, server, fault
        self.passed = 0  # bytes in the direction that suffers

    def relay(self):
        open_ends = [self.client, self.server]
        while open_ends:
            for end in select.select(open_ends, [], [])[0]:
                data = end.recv(65536)
                other = self.server if end is self.client else self.client
                if not data:
                    open_ends.remove(end)
                    other.shutdown(socket.SHUT_WR)
                elif not self.let_through(data, other):
                    return

    def let_through(self, data, to):
        """False: the connection is over."""
        way = "up" if to is self.server else "down"
        kind = self.fault["fault"]
        if way != self.fault.get("way", "down") or kind == "none":
            to.sendall(data)
            return True
        return getattr(self, "do_" + kind)(data, to)

    def do_delay(self, data, to):
        time.sleep(self.fault["seconds"])
        to.sendall(data)
        return True

    def split(self, data, to):
        """Lets through what may pass; True when the place of the fault has been reached."""
        room = self.fault.get("after", 0) - self.passed
        to.sendall(data[:room])
        self.passed += min(len(data), room)
        return len(data) >= room

    def do_reset(self, data, to):
        over = self.split(data, to)
        if over:
            reset(self.client)
        return not over

    def do_cut(self, data, to):
        return not self.split(data, to)

    def do_stall(self, data, to):
        if self.split(data, to):
            is_gone(self.client, 3600)
            return False
        return True

    def do_slow(self, data, to):
        for i in range(len(data)):
            to.sendall(data[i:i + 1])
            if is_gone(self.client, self.fault["seconds"]):
                return False
        return True

    def do_garbage(self, data, to):
        self.client.sendall(GARBAGE)
        return False


class Port:
    def __init__(self, fault, to):
        self.fault, self.to = fault, to
        self.left = fault.get("times", -1)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.number = self.listener.getsockname()[1]

    def next_fault(self):
        if self.left == 0:
            return {"fault": "none"}
        self.left -= self.left > 0
        return self.fault

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.carry, args=(client, self.next_fault()),
                             daemon=True).start()

    def carry(self, client, fault):
        try:
            with client:
                if fault["fault"] == "half-open":
                    is_gone(client, 3600)
                    return
                with socket.create_connection(("127.0.0.1", self.to)) as server:
                    Line(client, server, fault).relay()
        except OSError:
            pass  # one of the two has gone away, which ends it


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", type=int, required=True)
    parser.add_argument("--until-eof", action="store_true")
    parser.add_argument("faults", nargs="+", type=json.loads)
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    ports = [Port(fault, args.to) for fault in args.faults]
    for port in ports:
        threading.Thread(target=port.accept, daemon=True).start()
    print(*(port.number for port in ports), flush=True)
    if args.until_eof:
        sys.stdin.read()
        os._exit(0)
    signal.pause()


if __name__ == "__main__":
    main()
