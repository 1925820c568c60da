"""A Node.js program that uses a published matic.js, and tells what it sees."""

import json
import os
import subprocess
from pathlib import Path
from typing import IO, cast

import pytest

from tests.e2e.process import Json

HERE = Path(__file__).parent


class Program:
    """A running program, which tells of each step once it is done."""

    def __init__(self, settings: Json, package: str, abi_store: str) -> None:
        """Start it with the matic.js of this package."""
        self._popen = subprocess.Popen(
            ["node", "-r", "./published.cjs", "run.cjs", json.dumps(settings)],
            cwd=HERE,
            env={**os.environ, "MATICJS": package, "ABI_STORE": abi_store},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._told: Json = {}

    def step(self, name: str) -> Json:
        """What it saw in a step, once that is done. Fails with the program's own words if it has ended before."""
        out, errors = cast(IO[str], self._popen.stdout), cast(IO[str], self._popen.stderr)
        while name not in self._told:
            line = out.readline()
            if not line:
                pytest.fail(f"ended before the step {name}: {errors.read()}")
            told = json.loads(line)
            self._told[told["step"]] = told["seen"]
        return cast(Json, self._told[name])

    def close(self) -> None:
        """End it."""
        self._popen.kill()
        self._popen.communicate()
