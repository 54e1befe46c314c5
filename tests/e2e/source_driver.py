# SPDX-License-Identifier: GPL-3.0-or-later
"""The PostgreSQL source by itself: builds source_driver.c and talks to it, one JSON line a call."""
import json
import subprocess

from stack import BINARY, PATIENCE, ROOT, VARIANT, complain_of_sanitizers

FLAGS = {
    "san": ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"],
    "cov": ["--coverage"],
}
VALUE, NULL, NAN, PINF, NINF = range(5)


def build(folder):
    """Compiles the driver against the library that lies beside the program under test."""
    library = BINARY.parent / "libpgvigil.a"
    assert library.exists(), f"{library} is missing: build it with make first"
    program = folder / "source_driver"
    command = ["cc", "-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-O1", "-g",
               "-pthread", *FLAGS.get(VARIANT, []), f"-I{ROOT}/include", f"-I{ROOT}",
               str(ROOT / "tests/e2e/source_driver.c"), str(library), "-lpq", "-ljansson",
               "-lxxhash", "-lm", "-o", str(program)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    assert done.returncode == 0, done.stdout
    return program


class Failed(Exception):
    """An error struct: code, sqlstate, msg, hint, and what else the call gave."""

    def __init__(self, answer):
        super().__init__(str(answer["error"]))
        self.answer = answer
        self.code = answer["error"]["code"]
        self.sqlstate = answer["error"]["sqlstate"]
        self.msg = answer["error"]["msg"]
        self.hint = answer["error"]["hint"]
        self.seconds = answer["us"] / 1e6


class Driver:
    def __init__(self, program, **connections):
        """connections: name=conninfo, or name=(conninfo, password_file)."""
        self.child = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE, text=True)
        self.config(**connections)

    def send(self, **call):
        self.child.stdin.write(json.dumps(call) + "\n")
        self.child.stdin.flush()

    def receive(self):
        line = self.child.stdout.readline()
        if not line:
            raise AssertionError(f"the driver ended: {self.child.stderr.read()}")
        answer = json.loads(line)
        if "error" in answer:
            raise Failed(answer)
        return answer

    def call(self, **call):
        self.send(**call)
        return self.receive()

    def fails(self, **call):
        """The error of a call that must fail."""
        try:
            answer = self.call(**call)
        except Failed as failed:
            return failed
        raise AssertionError(f"{call} did not fail: {str(answer)[:500]}")

    def config(self, **connections):
        pairs = {name: [c, None] if isinstance(c, str) else list(c)
                 for name, c in connections.items()}
        self.call(do="config", connections=pairs)

    def open(self, name="main", **more):
        return self.call(do="open", name=name, **more)

    def shut(self, **more):
        return self.call(do="close", **more)

    def rows(self, sql, *params, **more):
        return self.call(do="rows", sql=sql, params=list(params), **more)["cells"]

    def catalog(self, table, **more):
        return self.call(do="catalog", table=table, **more)

    def scan_call(self, catalog, names=None, raw=(), where="", **more):
        """The call that scans these columns (all) of a relation."""
        columns = [c for c in catalog["columns"] if names is None or c["name"] in names]
        items = ", ".join(c["quoted"] for c in columns)
        sql = f"COPY (SELECT {items} FROM {catalog['quoted']} {where}) TO STDOUT (FORMAT binary)"
        return dict(do="scan", sql=sql,
                    columns=[[c["kind"], c["oid"], c["name"] in raw] for c in columns], **more)

    def scan(self, table, names=None, **more):
        """Opens, reads the catalogue, scans, closes; rows of cells (state, num, text, length)."""
        self.open()
        answer = self.call(**self.scan_call(self.catalog(table), names, print=True, **more))
        self.shut()
        return answer["cells"]

    def close(self):
        """Ends the driver, which must not have complained of anything."""
        if self.child.poll() is None:
            self.child.stdin.close()
        try:
            code = self.child.wait(timeout=30 * PATIENCE)
        except subprocess.TimeoutExpired:
            self.child.kill()
            raise
        errors = self.child.stderr.read()
        complain_of_sanitizers(errors)
        assert code == 0, f"the driver ended with {code}: {errors}"
