"""The changes of a fork, as a small file names them: keys of the genesis in its JSON form, and their new values.

    name, time_s                            must be given
    epoch, staking_root_chain, validators   instead of what the state has; `validators` is the whole list
    parameters.KEY                          one of the network's rules
    root_chains.NAME.KEY                    of the root chain with that name: block_number, filter, last_header_id, …
    root_chains.NAME.parameters.KEY         one of its rules

Whatever is not named stays as the state has it.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from node.app.errors import GenesisError
from node.app.genesis import Genesis
from node.app.genesis_file import genesis_from_json, genesis_to_json

REQUIRED = ("name", "time_s")
FIXED = ("parent", "carried")
"""What a fork fills in itself."""


@dataclass(frozen=True, slots=True)
class Change:
    """One value of the genesis that is not what the state has."""

    place: str
    before: str
    after: str


def apply_changes(exported: Genesis, changes: Mapping[str, Any]) -> tuple[Genesis, tuple[Change, ...]]:
    """The genesis with the changes, and the list of what they change. Raises GenesisError that names the place."""
    for name in REQUIRED:
        _require(name in changes, name, "must be given, so that all operators have the same")
    document = json.loads(genesis_to_json(exported))
    chains = {chain["parameters"]["name"]: chain for chain in document["root_chains"]}
    made = list(_replace(document, {key: value for key, value in changes.items() if key != "root_chains"}, ""))
    named = changes.get("root_chains", {})
    _require(isinstance(named, dict), "root_chains", "must be a table of root chains by their names")
    for name, values in named.items():
        _require(name in chains and isinstance(values, dict), f"root_chains.{name}", "is no root chain of this network")
        made += _replace(chains[name], values, f"root_chains.{name}.")
    return genesis_from_json(json.dumps(document)), tuple(made)


def _replace(document: dict[str, Any], changes: Mapping[str, Any], place: str) -> Iterator[Change]:
    for key, value in changes.items():
        _require(key in document and key not in FIXED, f"{place}{key}", "is no key that a fork can change")
        if key == "parameters":
            _require(isinstance(value, dict), f"{place}{key}", "must be a table")
            yield from _replace(document[key], value, f"{place}{key}.")
        elif document[key] != value:
            yield Change(f"{place}{key}", json.dumps(document[key]), json.dumps(value))
            document[key] = value


def _require(holds: bool, place: str, rule: str) -> None:
    if not holds:
        raise GenesisError(f"changes {place}: {rule}")
