# SPDX-License-Identifier: GPL-3.0-or-later
"""The unit tests with hostile names, each name at every receiver and training system; in `make
test` each goes to one of them."""
import os
import subprocess
from pathlib import Path

import pytest


@pytest.mark.long
@pytest.mark.parametrize("name", ["test_receivers", "test_systems_hostile"])
def test_everywhere(name):
    program = Path(os.environ["PGVIGIL"]).resolve().parent / "tests/unit" / name
    done = subprocess.run([program], env={**os.environ, "HOSTILE_EVERYWHERE": "1"}, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace")
    assert done.returncode == 0, done.stdout[-3000:]
