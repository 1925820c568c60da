"""`burn` without a server, on two EVMs with the real contracts: waiting, writing the proof, and making the exit."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from bridge import verify_exit_payload
from bridge.codec.hexadecimal import checksum_address, to_hex
from bridge.codec.types import Hash32
from node.cli.burn_answers import follow
from node.cli.client import Answer
from node.cli.main import main
from node.keys.keystore import DEVNET, write_keystore
from node.keys.private_key import PrivateKey
from node.store.files import write_private
from tests.contracts.crossing import BURNER
from tests.contracts.harness import SUBMITTER, account
from tests.contracts.network import TOKEN
from tests.unit.client.evm_world import EvmWorld, evm_world


@dataclass
class Command:
    """`sidewarden burn` on these chains."""

    world: EvmWorld
    transaction: str

    async def run(self, *arguments: str, answers: str = "") -> Result:
        """Beside the event loop that serves the chains."""
        return await asyncio.to_thread(
            CliRunner().invoke,
            main,
            [
                *("burn", self.transaction, "--side-rpc", self.world.side_url, "--root-rpc", self.world.root_url),
                *("--root-chain-contract", to_hex(self.world.root_chain)),
                *("--root-chain-manager", to_hex(self.world.manager), *arguments),
            ],
            input=answers,
        )


@asynccontextmanager
async def ready() -> AsyncIterator[Command]:
    """A burn that is READY, on a root chain that mines at once."""
    async with evm_world() as world:
        transaction = world.ready_burn()
        world.mines_at_once = True
        yield Command(world, to_hex(transaction))


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """The submitter's key, as a file of one line."""
    path = tmp_path / "key"
    write_private(path, to_hex(SUBMITTER.private_key).encode())
    return path


async def test_burn__without_a_server__is_told_and_proved_as_by_one() -> None:
    async with ready() as command:
        ran = await command.run()
        as_json = json.loads((await command.run("--json")).stdout)

    assert ran.exit_code == 0, ran.output
    assert ran.output.startswith("READY: ")
    assert f"for exit(bytes) of {to_hex(command.world.manager)} on root:" in ran.output
    (proof,) = as_json["proofs"]
    assert ran.output.splitlines()[-1] == proof["payload"]
    assert proof["simulated"]
    verify_exit_payload(proof["payload"], proof["checkpoint"]["root"])


async def test_out__by_its_suffix__holds_the_payload_in_each_form_and_is_never_overwritten(tmp_path: Path) -> None:
    hex_file, bin_file, json_file = (tmp_path / name for name in ("proof.hex", "proof.bin", "proof.json"))
    async with ready() as command:
        for file in (hex_file, bin_file, json_file):
            ran = await command.run("--out", str(file))
            assert ran.exit_code == 0, ran.output
            assert f"{file}: proof of log" in ran.output
        again = await command.run("--out", str(hex_file))

    assert bytes.fromhex(hex_file.read_text().strip()[2:]) == bin_file.read_bytes()
    assert json.loads(json_file.read_text())["payload"] == hex_file.read_text().strip()
    assert again.exit_code == 2
    assert "exists already and is not overwritten" in again.output


async def test_send__agreed_to__pays_the_burner_and_sees_it_confirmed(key_file: Path) -> None:
    async with ready() as command:
        before = command.world.crossing.root_balance(BURNER.address)
        refused = await command.run("--send", "--key-file", str(key_file), answers="n\n")
        untouched = command.world.crossing.root_balance(BURNER.address)
        sent = await command.run("--send", "--key-file", str(key_file), answers="y\n")
        after = command.world.crossing.root_balance(BURNER.address)
        again = await command.run("--send", "--key-file", str(key_file), "--yes")

    assert (refused.exit_code, untouched) == (1, before)
    assert sent.exit_code == 0, sent.output
    assert after - before == 5 * TOKEN
    for words in (
        f"call      exit(bytes) of {checksum_address(command.world.manager)}",
        "anybody may send it, and it pays the burner",
        f"from      {checksum_address(SUBMITTER.address)}",
        "fee       at most 0.",
        "mined in root-chain block",
        "EXITED: ",
    ):
        assert words in sent.output
    assert again.exit_code == 1
    assert "EXIT_TAKEN: the root chain has taken this exit before" in again.output
    assert SUBMITTER.private_key.hex() not in refused.output + sent.output + again.output


async def test_send__as_json_with_a_keystore__prints_one_object_and_tells_the_rest_aside(tmp_path: Path) -> None:
    keystore = write_keystore(tmp_path, PrivateKey(SUBMITTER.private_key), "secret", DEVNET, secrets.token_bytes)
    password = tmp_path / "password"
    write_private(password, b"secret\n")
    async with ready() as command:
        ran = await command.run(
            *("--send", "--yes", "--json", "--key-file", str(keystore), "--password-file", str(password))
        )

    assert ran.exit_code == 0, ran.output
    told = json.loads(ran.stdout)
    assert told["status"] == "EXITED"
    assert told["sent"]["sender"] == to_hex(SUBMITTER.address)
    assert told["sent"]["gas_used"] > 21_000
    assert "Send it?" not in ran.stderr
    assert "mined in root-chain block" in ran.stderr


async def test_wait__for_a_checkpoint__tells_each_change_once_and_then_the_proof(tmp_path: Path) -> None:
    async with evm_world() as world:
        command = Command(world, to_hex(world.burn()))
        world.settle()
        not_yet = await command.run("--out", str(tmp_path / "proof"))
        world.receipt_was_asked.clear()
        waiting = asyncio.create_task(command.run("--wait"))
        await world.receipt_was_asked.wait()
        world.checkpoint()
        ran = await waiting

    assert (not_yet.exit_code, "BURN_NOT_READY: " in not_yet.output) == (1, True)
    assert not (tmp_path / "proof").exists()
    assert ran.exit_code == 0, ran.output
    statuses = [line.split(":")[0] for line in ran.output.splitlines() if line.split(":")[0].isupper()]
    assert statuses == ["NOT_CHECKPOINTED", "READY", "READY"], "the last one heads the whole answer"
    assert ran.output.splitlines()[-1].startswith("0x")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--send",), "who sends, and pays? Give --key-file"),
        (("--send", "--password-file", "x"), "--password-file goes with --key-file"),
        (("--send", "--key-file", "/nowhere"), "/nowhere"),
        (("--api", "http://127.0.0.1:1"), "give --api, or --side-rpc"),
        (("--log-index", "9"), "log 9 of this transaction is no burn; the burns are at"),
        (("--out", "/nowhere/proof"), "cannot be written"),
        (("--root-chain-contract", "0x12"), "root_chain: 1 bytes, not 20"),
    ],
)
async def test_burn__with_what_cannot_be__says_what_to_give(arguments: tuple[str, ...], words: str) -> None:
    async with ready() as command:
        ran = await command.run(*arguments)

    assert ran.exit_code != 0
    assert words in ran.output


async def test_send__from_an_account_without_money__is_refused_before_it_is_asked(tmp_path: Path) -> None:
    poor = account("poor")
    write_private(tmp_path / "poor", to_hex(poor.private_key).encode())
    async with ready() as command:
        ran = await command.run("--send", "--key-file", str(tmp_path / "poor"))

    assert ran.exit_code == 1
    assert "EXIT_NOT_FUNDED: " in ran.output
    assert "Send it?" not in ran.output


@pytest.mark.parametrize("option", ["--root-chain-contract", "--root-chain-manager"])
def test_burn__with_half_of_what_a_question_without_a_server_takes__says_what_is_missing(option: str) -> None:
    ran = CliRunner().invoke(main, ["burn", to_hex(Hash32(bytes(32))), option, "0x" + "11" * 20])

    assert ran.exit_code == 2
    assert "go with --side-rpc" in ran.output


@dataclass
class Scripted:
    """Answers that were written down before."""

    reports: list[Answer]

    def report(self, transaction: str) -> Answer:
        return self.reports.pop(0)

    def change(self, transaction: str, version: str) -> Answer:
        return self.reports.pop(0)

    def proof(self, transaction: str, log_index: int, root_chain: str | None) -> Answer:
        raise AssertionError("nobody asks")


def scripted(status: str, version: str, block_number: int | None = 1) -> Answer:
    """As much of a report as is looked at."""
    return {"status": status, "version": version, "block_number": block_number, "text": f"it is {status}"}


def test_follow__of_answers_that_change_and_stay__tells_each_change_once() -> None:
    told: list[str] = []
    answers = Scripted(
        [
            scripted("NOT_FOUND", "0", None),
            *(scripted("PENDING", "1"), scripted("PENDING", "1"), scripted("REORGED", "2"), scripted("PENDING", "1")),
            *(scripted("READY", "3"), scripted("EXITED", "4")),
        ]
    )

    last = follow(answers, "0x", lambda one: one["status"] == "READY", lambda one: told.append(one["status"]))

    assert told == ["NOT_FOUND", "PENDING", "REORGED", "PENDING", "READY"]
    assert last["version"] == "3"


def test_follow__of_a_transaction_that_burns_nothing__ends_at_once() -> None:
    with pytest.raises(click.ClickException, match="BURN_NOT_FOUND: it is NOT_FOUND"):
        follow(Scripted([scripted("NOT_FOUND", "0")]), "0x", lambda _: False, lambda _: None)
