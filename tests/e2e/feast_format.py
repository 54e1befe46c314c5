# SPDX-License-Identifier: GPL-3.0-or-later
"""Feast's online store on PostgreSQL as its documentation has it: the table of a feature view, its
serialised values and entity keys (version 3), made here without Feast."""
import struct

STORE = """CREATE TABLE {} (entity_key bytea, feature_name text, value bytea, value_text text,
  vector_value bytea, event_ts timestamptz, created_ts timestamptz,
  PRIMARY KEY (entity_key, feature_name))"""
FIELDS = {"bytes": 1, "string": 2, "int32": 3, "int64": 4, "double": 5, "float": 6, "bool": 7,
          "time": 8}


def varint(n):
    n &= (1 << 64) - 1
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def tagged(field, wire, payload):
    return varint(field << 3 | wire) + payload


def sized(payload):
    return varint(len(payload)) + payload


def scalar(kind, x):
    if kind in ("bytes", "string"):
        return 2, sized(x if isinstance(x, bytes) else x.encode())
    if kind == "double":
        return 1, struct.pack("<d", x)
    if kind == "float":
        return 5, struct.pack("<f", x)
    return 0, varint(int(x))


def value(kind, x):
    """A feast.types.Value; None is the NULL of the store, a list the list of its kind."""
    if x is None:
        return b""
    if isinstance(x, list):
        parts = [scalar(kind, each) for each in x]
        if kind in ("bytes", "string"):
            inner = b"".join(tagged(1, 2, part) for _, part in parts)
        else:
            inner = tagged(1, 2, sized(b"".join(part for _, part in parts))) if x else b""
        return tagged(FIELDS[kind] + 10, 2, sized(inner))
    wire, payload = scalar(kind, x)
    return tagged(FIELDS[kind], wire, payload)


def entity_key(**keys):
    """An int64, or a string (bytes: as they are), for each join key."""
    out = struct.pack("<I", len(keys))
    for name in sorted(keys):
        out += struct.pack("<II", 2, len(name.encode())) + name.encode()
    for name in sorted(keys):
        x = keys[name]
        text = x.encode() if isinstance(x, str) else x
        payload = text if isinstance(text, bytes) else struct.pack("<q", x)
        out += struct.pack("<II", 2 if isinstance(text, bytes) else 4, len(payload)) + payload
    return out


class Store:
    """The table of a feature view in a database of the tests."""

    def __init__(self, database, table):
        self.database, self.table = database, table
        database.execute(STORE.format(table))

    def put(self, key, features, at="now"):
        """features: name -> the bytes of its value."""
        key = entity_key(**key) if isinstance(key, dict) else key
        for name, data in features.items():
            self.database.execute(
                f"INSERT INTO {self.table} (entity_key, feature_name, value, event_ts)"
                " VALUES (%s, %s, %s, %s) ON CONFLICT (entity_key, feature_name)"
                " DO UPDATE SET value = excluded.value, event_ts = excluded.event_ts",
                (key, name, data, at))
