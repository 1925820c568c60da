"""docs/python.md: each of its programs is run as it stands, on the chains of a devnet."""

import asyncio
import doctest
import os
import re
import sys
from pathlib import Path

from bridge.codec.hexadecimal import to_hex
from tests.contracts.network import TOKEN
from tests.unit.client.evm_world import evm_world

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "python.md"
PROGRAM = re.compile(r"```python\n(.*?)```\n\n```text\n(.*?)```", re.DOTALL)


async def test_page__each_program__runs_and_prints_what_the_page_says(tmp_path: Path) -> None:
    text = PAGE.read_text()
    programs = PROGRAM.findall(text)
    assert len(programs) == text.count("```python") == 3

    async with evm_world() as world:
        transaction = world.ready_burn(5 * TOKEN)
        world.write_home(tmp_path / ".sidewarden" / "devnet", "http://127.0.0.1:1")
        printed = [await _run(program, tmp_path, to_hex(transaction)) for program, _ in programs]

    for (_, expected), told in zip(programs, printed, strict=True):
        assert doctest.OutputChecker().check_output(expected, told, doctest.ELLIPSIS), told


async def _run(program: str, home: Path, transaction: str) -> str:
    ran = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program, transaction),
        env={**os.environ, "HOME": str(home), "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await ran.communicate()
    return out.decode()
