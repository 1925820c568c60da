"""CometBFT's directory as we write it."""

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from config.schema import Comet
from config.table import FreeTable, RpcUrl, Setting
from node.app.parameters import Parameters
from node.engine.comet.files import (
    OURS,
    CometFiles,
    comet_config,
    comet_genesis,
    our_settings,
    write_comet_files,
)
from node.engine.errors import EngineSettingRefused
from tests.unit.engine.test_engine_application import a_genesis


def test_files__of_the_key_that_cometbft_makes_and_never_uses__lie_among_its_data(tmp_path: Path) -> None:
    """It does not start with one of the two files alone, so removing its data must remove both."""
    files = CometFiles(tmp_path)
    write_comet_files(files, Comet(), a_genesis(), "moniker", "info")

    assert 'priv_validator_key_file = "data/unused_key.json"' in files.config.read_text()


SERVER = RpcUrl("http://10.0.0.1:1317/sidewarden/v1/engine/rpc")
JOINING = Comet(state_sync_servers=(SERVER,), state_sync_height=7, state_sync_hash="ab" * 32)
PARAMETERS = a_genesis().parameters
PAGE = (Path(__file__).parents[4] / "docs" / "engine.md").read_text()


def config_of(comet: Comet, parameters: Parameters = PARAMETERS) -> dict[str, Any]:
    """config.toml, read again."""
    return tomllib.loads(comet_config(comet, parameters, 'a "name"', "info"))


def names(table: dict[str, Any], above: str = "") -> Iterator[str]:
    """All keys of a TOML document, with dots."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from names(value, f"{above}{name}.")
        else:
            yield above + name


def described() -> tuple[set[str], set[str]]:
    """The settings of the table in docs/engine.md, and those of them that are marked fixed."""
    rows = re.findall(r"^\| (`.+`) \| .* \| (.*)\|$", PAGE, re.MULTILINE)
    found = [(set(re.findall("`([^`]+)`", keys)), why) for keys, why in rows]
    every = {name for keys, _ in found for name in keys}
    return every, {name for keys, why in found for name in keys if why.startswith("*fixed*")}


def test_config__as_written__has_every_setting_of_ours_and_no_other() -> None:
    config = config_of(JOINING)
    assert set(names(config)) == {setting.name for setting in our_settings(JOINING, PARAMETERS, "", "")}
    assert config["moniker"] == 'a "name"'
    assert (config["proxy_app"], config["priv_validator_laddr"]) == ("unix://app.sock", "unix://signer.sock")
    assert config["rpc"] == {"laddr": "unix://rpc.sock"}
    assert "statesync" not in config_of(Comet())


def test_settings__of_ours__are_those_that_the_page_names() -> None:
    every, fixed = described()
    assert set(names(config_of(JOINING))) | OURS == every
    assert fixed == OURS - {"log_format"}, "log_format shares its row with log_level, which is free"


def test_config__of_a_node_that_joins_by_one_server__names_it_twice_because_cometbft_wants_two() -> None:
    assert config_of(JOINING)["statesync"] == {
        "enable": True,
        "rpc_servers": f"{SERVER},{SERVER}",
        "trust_height": 7,
        "trust_hash": "ab" * 32,
        "discovery_time": "5s",
    }
    two = config_of(replace(JOINING, state_sync_servers=(SERVER, RpcUrl("http://b"))))
    assert two["statesync"]["rpc_servers"] == f"{SERVER},http://b"


@pytest.mark.parametrize(
    ("block_ms", "propose", "gossip", "flush"),
    [(10, "1000ms", "2ms", "1ms"), (500, "1500ms", "25ms", "12ms"), (60_000, "180000ms", "100ms", "50ms")],
)
def test_paces__follow_from_the_genesis_within_their_limits(
    block_ms: int, propose: str, gossip: str, flush: str
) -> None:
    config = config_of(Comet(), replace(PARAMETERS, engine_block_ms=block_ms, pulse_s=7))
    assert config["p2p"]["flush_throttle_timeout"] == flush
    assert config["consensus"] == {
        "timeout_propose": propose,
        "timeout_prevote": f"{block_ms}ms",
        "timeout_precommit": f"{block_ms}ms",
        "timeout_commit": f"{block_ms}ms",
        "create_empty_blocks": False,
        "create_empty_blocks_interval": "7s",
        "peer_gossip_sleep_duration": gossip,
    }


def test_settings__passed_through__win_over_ours_and_stand_beside_them() -> None:
    passed = (
        Setting(("consensus", "timeout_commit"), "5ms"),
        Setting(("instrumentation", "prometheus"), True),
        Setting(("fast",), 7),
    )
    config = config_of(Comet(config=FreeTable(passed)))
    assert config["consensus"]["timeout_commit"] == "5ms"
    assert config["consensus"]["create_empty_blocks"] is False
    assert (config["instrumentation"], config["fast"]) == ({"prometheus": True}, 7)


@pytest.mark.parametrize("name", sorted(OURS))
def test_setting__that_is_ours_alone__is_refused_by_name(name: str) -> None:
    comet = Comet(config=FreeTable((Setting(tuple(name.split(".")), "x"),)))
    with pytest.raises(EngineSettingRefused, match=f"^engine.comet.config.{name} is set by Sidewarden"):
        config_of(comet)


def test_genesis__as_written__is_one_line_with_long_numbers_as_text_and_names_no_validators() -> None:
    assert comet_genesis(a_genesis()) == (
        b'{"genesis_time":"2023-11-14T22:13:20Z","chain_id":"test","initial_height":"1","consensus_params":'
        b'{"block":{"max_bytes":"4194304","max_gas":"-1"},"evidence":{"max_age_num_blocks":"100000",'
        b'"max_age_duration":"172800000000000","max_bytes":"1048576"},"validator":{"pub_key_types":["secp256k1eth"]},'
        b'"version":{"app":"1"},"abci":{"vote_extensions_enable_height":"0"}},"app_hash":""}'
    )
    assert json.loads(comet_genesis(a_genesis()))["chain_id"] == a_genesis().name


def test_files__as_written__are_for_their_owner_alone(tmp_path: Path) -> None:
    files = CometFiles(tmp_path / "home" / "comet")
    write_comet_files(files, Comet(), a_genesis(), "moniker", "info")
    assert {path.stat().st_mode & 0o077 for path in (files.config, files.genesis, files.data, files.home)} == {0}
    assert files.genesis.read_bytes() == comet_genesis(a_genesis())
