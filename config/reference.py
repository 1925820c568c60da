"""docs/configuration.md from the schemas. A test keeps them equal.

python -m config.reference > docs/configuration.md
"""

import dataclasses
import sys
from collections.abc import Collection
from dataclasses import MISSING
from typing import Any, cast, get_args, get_type_hints

from config.proof_server import ProofServerConfig
from config.schema import NodeConfig
from config.table import FreeTable, allowed, key_of

_HEAD = """\
# Configuration

A node is configured by `config.toml` in its home, mode 0600. This page is made from `config/schema.py`
by `python -m config.reference`.

What the network has agreed on stands in its genesis, not here. An unknown key is an error, and so is a value that is
not allowed: the message names the key. A key without a default must be there. Secrets are named by file.
"""


_PROOF_SERVER_HEAD = """\

# Configuration of a proof server

`sidewarden proof-server --config FILE` reads another file, of mode 0600 too; docs/proof-server.md has an example. This
part is made from `config/proof_server.py`. Tables that a node has too are explained above.
"""


def render() -> str:
    """The page."""
    node = _sections(NodeConfig, "", "")
    proof_server = _sections(ProofServerConfig, "", "", explained={"log", "api", "burns", "rpc", "root_chains.exits"})
    return _HEAD + "".join(node) + "\n" + _PROOF_SERVER_HEAD + "".join(proof_server) + "\n"


def _sections(table: type, place: str, brackets: str, explained: Collection[str] = ()) -> list[str]:
    """The section of a table, then those of the tables in it that are not yet explained."""
    hints = get_type_hints(table)
    rows, below = [], []
    for one in dataclasses.fields(table):
        kind = hints[one.name]
        item = get_args(kind)[0] if get_args(kind) else kind
        here = f"{place}.{one.name}" if place else one.name
        if here in explained:
            continue
        if dataclasses.is_dataclass(item) and item is not FreeTable:
            below += _sections(cast(type, item), here, f"[{here}]" if item is kind else f"[[{here}]]", explained)
        else:
            rows.append(_row(one, kind))
    title = f"`{brackets}`" if brackets else "Top of the file"
    lines = [
        f"\n## {title}\n",
        f"\n{table.__doc__}\n",
        "\n| key | allowed | unit | default | meaning |\n|---|---|---|---|---|",
    ]
    return [*lines, *rows, "\n", *below]


def _row(one: "dataclasses.Field[Any]", kind: object) -> str:
    said = key_of(one)
    return f"\n| `{one.name}` | {allowed(kind, said)} | {said.unit} | {_default(one.default)} | {said.meaning} |"


def _default(value: object) -> str:
    if value is MISSING:
        return "**required**"
    if value is None or value in ((), FreeTable()):
        return "none"
    if isinstance(value, str):
        return f'`"{value}"`'
    if isinstance(value, tuple):
        return ", ".join(map(_default, value))
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`"


if __name__ == "__main__":
    sys.stdout.write(render())
