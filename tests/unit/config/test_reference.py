"""docs/configuration.md says what the schema says."""

import dataclasses
from pathlib import Path
from typing import get_args, get_type_hints

from config.proof_server import ProofServerConfig
from config.reference import render
from config.schema import NodeConfig
from config.table import FreeTable, key_of

PAGE = Path(__file__).parents[3] / "docs" / "configuration.md"


def test_reference__page__is_what_the_schema_gives() -> None:
    assert PAGE.read_text() == render(), "run: python -m config.reference > docs/configuration.md"


def test_reference__every_key__has_a_meaning_and_a_unit_if_its_name_ends_in_one() -> None:
    units = {
        "_per_s": "1/s",
        "_s": "s",
        "_wei": "wei",
        "_bytes_max": "bytes",
        "confirmations": "blocks",
        "gas_limit": "gas",
    }
    tables: list[type] = [NodeConfig, ProofServerConfig]
    for table in tables:
        hints = get_type_hints(table)
        for one in dataclasses.fields(table):
            said = key_of(one)
            assert said.meaning.endswith("."), f"{table.__name__}.{one.name}"
            unit = next((unit for ending, unit in units.items() if one.name.endswith(ending)), "")
            assert said.unit.startswith(unit), f"{table.__name__}.{one.name}"
            kinds = (hints[one.name], *get_args(hints[one.name]))
            tables += [
                kind
                for kind in kinds
                if kind is not FreeTable and isinstance(kind, type) and dataclasses.is_dataclass(kind)
            ]
    assert len(set(tables)) == 18
