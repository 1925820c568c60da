"""`testnet`, `localnet` and `join` as they are asked for: what they refuse before they touch anything."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from node.cli.main import main

CHAINS = ("--root-rpc", "http://127.0.0.1:1", "--side-rpc", "http://127.0.0.1:1")
SERVERS = ("--server", "http://127.0.0.1:1", "--server", "http://127.0.0.1:2")


def run(*arguments: str) -> Result:
    """Run a command."""
    return CliRunner().invoke(main, arguments)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_text("11" * 32)
    path.chmod(0o600)
    return path


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "give --root-rpc and --side-rpc"),
        (CHAINS, "give --funded-key-file to deploy contracts, or --contracts"),
        ((*CHAINS, "--contracts", "file"), "--contracts needs --keystores and --password-file"),
        ((*CHAINS, "--keystores", "dir", "--funded-key-file", "KEY"), "belong to --contracts"),
        ((*CHAINS, "--hostnames", "a,b", "--validators", "3"), "--validators 3 and 2 --hostnames"),
        ((*CHAINS, "--validators", "101"), "101"),
    ],
)
def test_testnet__options_that_do_not_fit__refused_with_what_to_give(
    tmp_path: Path, key_file: Path, options: Sequence[str], words: str
) -> None:
    given = [str(key_file) if word == "KEY" else word for word in options]
    ran = run("testnet", "--output", str(tmp_path / "net"), *given)
    assert ran.exit_code == 2
    assert words in ran.output
    assert not (tmp_path / "net").exists()


def test_testnet__chains_that_do_not_answer__told_with_a_code_and_nothing_written(
    tmp_path: Path, key_file: Path
) -> None:
    ran = run("testnet", "--output", str(tmp_path / "net"), *CHAINS, "--funded-key-file", str(key_file))
    assert ran.exit_code == 1
    assert "RPC_UNREACHABLE" in ran.output
    assert "11" * 32 not in ran.output
    assert not (tmp_path / "net").exists()


def test_testnet__a_key_that_others_can_read__refused(tmp_path: Path, key_file: Path) -> None:
    key_file.chmod(0o644)
    ran = run("testnet", "--output", str(tmp_path / "net"), *CHAINS, "--funded-key-file", str(key_file))
    assert ran.exit_code == 1
    assert "FILE_TOO_OPEN" in ran.output


@pytest.mark.parametrize("command", ["down", "status", "kill 0", "pause 0", "resume 0", "logs 0"])
def test_localnet__without_one__each_command_says_what_to_run(tmp_path: Path, command: str) -> None:
    ran = run("localnet", *command.split(), "--home", str(tmp_path))
    assert ran.exit_code == 1
    assert "LOCALNET_ABSENT" in ran.output
    assert f"sidewarden localnet up --home {tmp_path}" in ran.output


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--validators", "3"), "LOCALNET_SETTINGS"),
        (("--root-rpc", "http://127.0.0.1:1"), "go together"),
    ],
)
def test_localnet_up__options_that_cannot_be__refused_and_nothing_kept(
    tmp_path: Path, options: Sequence[str], words: str
) -> None:
    home = tmp_path / "home"
    ran = run("localnet", "up", "--home", str(home), "--api-port", "0", *options)
    assert ran.exit_code == 1
    assert words in ran.output
    assert not home.exists()


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (SERVERS, 2, "a new node needs --genesis, --peer, --root-rpc and --side-rpc"),
        (SERVERS[:2], 1, "2 to 16 are needed"),
        ((*SERVERS, "--trust-hash", "ab" * 32), 1, "--trust-hash needs --trust-height"),
        ((*SERVERS, "--trust-hash", "ab", "--trust-height", "5"), 2, "32 bytes as hex"),
        ((*SERVERS, "--resync"), 1, "CONFIG_UNREADABLE"),
    ],
)
def test_join__options_that_do_not_fit__refused_and_nothing_written(
    tmp_path: Path, options: Sequence[str], code: int, words: str
) -> None:
    ran = run("join", "--home", str(tmp_path / "node"), *options)
    assert ran.exit_code == code
    assert words in ran.output
    assert not (tmp_path / "node").exists()
