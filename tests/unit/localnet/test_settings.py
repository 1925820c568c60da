"""What a localnet is made with: chosen once, kept, and gone on with."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from node.localnet.errors import LocalnetSettingsRefused, NoLocalnet
from node.localnet.files import LocalnetFiles
from node.localnet.network import down, made_with, process_named, require_validator
from node.localnet.nodes import NodeState, node_state
from node.localnet.settings import LocalnetSettings, settle

GIVEN: dict[str, Any] = {"chains": "given", "root_urls": ("http://r",), "side_urls": ("http://s",)}


@pytest.fixture
def files(tmp_path: Path) -> LocalnetFiles:
    return LocalnetFiles(tmp_path / "home")


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]


def test_settle__a_new_home__keeps_the_choice_on_ports_that_are_free(files: LocalnetFiles) -> None:
    chosen = settle(files, {"api_port": 0, "validators": 7})
    assert chosen.validators == 7
    assert chosen.api_port >= 20_000
    assert len(set(chosen.ports)) == len(chosen.ports) == 7 + 3 + 7
    assert files.settings.stat().st_mode & 0o077 == 0
    assert made_with(files) == chosen


def test_settle__a_home_that_is_there__goes_on_without_being_told_again(files: LocalnetFiles) -> None:
    chosen = settle(files, {"api_port": 0, "validators": 7})
    files.description.write_text("{}")
    assert settle(files, {}) == settle(files, {"validators": 7, "api_port": 0}) == chosen


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"validators": 5}, "was made with --validators 4 and this start says 5"),
        ({"api_port": 1}, "--api-port"),
        ({"chains": "anvil"}, "--chains embedded"),
    ],
)
def test_settle__another_value__refused_naming_both(files: LocalnetFiles, asked: dict[str, Any], words: str) -> None:
    chosen = settle(files, {"api_port": 0})
    files.description.write_text("{}")
    with pytest.raises(LocalnetSettingsRefused, match=words):
        settle(files, asked)
    assert made_with(files) == chosen


def test_settle__a_home_whose_making_did_not_end__takes_another_choice(files: LocalnetFiles) -> None:
    settle(files, {"api_port": 0})
    assert settle(files, {"api_port": 0, "validators": 7}).validators == 7


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"validators": 2}, "one validator would hold a third"),
        ({"validators": 33}, "take 1, or 4 to 32"),
        ({"chains": "given"}, "go together"),
        ({"chains": "given", "root_urls": ("http://r",)}, "go together"),
        ({"root_urls": ("http://r",), "side_urls": ("http://s",)}, "instead of --chains"),
        (GIVEN, "give --funded-key-file"),
        ({**GIVEN, "contracts_file": "c", "keystores": "k"}, "--contracts needs --keystores and --password-file"),
        ({**GIVEN, "funded_key_file": "f", "keystores": "k"}, "belong to --contracts"),
        ({"funded_key_file": "f"}, "for chains that --root-rpc names"),
    ],
)
def test_settle__what_cannot_be__refused_and_not_kept(files: LocalnetFiles, asked: dict[str, Any], words: str) -> None:
    with pytest.raises(LocalnetSettingsRefused, match=words):
        settle(files, asked)
    assert not files.settings.exists()


def test_settle__on_a_port_that_is_taken__refused_naming_it(files: LocalnetFiles, taken_port: int) -> None:
    with pytest.raises(LocalnetSettingsRefused, match=f"port {taken_port} is taken"):
        settle(files, {"api_port": taken_port})


@pytest.mark.parametrize("text", ["", "{", "[]", '{"validators": "many"}'])
def test_settle__a_damaged_file__told_and_not_overwritten(files: LocalnetFiles, text: str) -> None:
    files.home.mkdir()
    files.settings.write_text(text)
    with pytest.raises(LocalnetSettingsRefused, match="is damaged"):
        settle(files, {})
    assert files.settings.read_text() == text


def test_ports__of_the_most_validators__do_not_meet() -> None:
    ports = LocalnetSettings(validators=32).ports
    assert len(set(ports)) == len(ports)


def test_commands__without_a_localnet__say_what_to_run(files: LocalnetFiles) -> None:
    with pytest.raises(NoLocalnet, match="sidewarden localnet up --home"):
        made_with(files)


def test_commands__on_a_validator_or_process_that_is_not_there__name_those_that_are(files: LocalnetFiles) -> None:
    settle(files, {"api_port": 0})
    with pytest.raises(NoLocalnet, match="they are 0 to 3"):
        require_validator(files, 4)
    with pytest.raises(NoLocalnet, match="they are 0 to 3"):
        process_named(files, "4")
    with pytest.raises(NoLocalnet, match="there are none"):
        process_named(files, "../../etc/passwd")
    assert process_named(files, "3").name == "validator-3"


def test_down__of_a_localnet_whose_making_did_not_end__has_nothing_to_stop(files: LocalnetFiles) -> None:
    settle(files, {"api_port": 0})
    assert down(files) == ()
    assert node_state(files, 0) == NodeState("down", None, None)
