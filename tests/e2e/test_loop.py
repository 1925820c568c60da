"""The main job: roots of the side chain get into the contract, and what was burnt comes out by a proof."""

from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import cast

import pytest

from bridge.codec.abi import encode_call
from bridge.codec.exit_payload import decode_payload, encode_payload
from bridge.codec.hexadecimal import from_hex, to_hex
from bridge.codec.types import Hash32
from node.devnet.bootstrap import ROOT, SIDE
from node.devnet.chain.errors import CallReverted
from node.devnet.settings import DataForm
from tests.e2e.harness import Answer, Network, running_network
from tests.e2e.independent import root_in_contract, root_of_side_chain

BURNT = 3 * 10**18
FORMS: tuple[DataForm, ...] = ("bound", "polygon")


@pytest.mark.parametrize("data_form", FORMS)
async def test_loop__three_checkpoints__roots_equal_an_independent_script_s(data_form: DataForm) -> None:
    async with running_network(data_form) as network:
        await network.until_acks(3)
        root_chain = to_hex(network.devnet.contracts.root.root_chain)
        next_start = 0
        for header_id in (10_000, 20_000, 30_000):
            root, start, end = await root_in_contract(partial(network.rpc, ROOT), root_chain, header_id)
            assert root == await root_of_side_chain(partial(network.rpc, SIDE), start, end)
            assert start == next_start
            assert (end + 1 - start) % 8 == 0
            next_start = end + 1
        assert network.turn.no_acks == 0
        assert len(network.submissions()) == 3, "nobody submitted beside the proposers"


async def test_loop__one_validator_alone__does_all_of_it() -> None:
    async with running_network(validators=1) as network:
        await network.until_acks(2)
        assert network.turn.no_acks == 0


@pytest.mark.parametrize("data_form", FORMS)
async def test_burn__from_pending_to_exited__pays_once_and_only_for_the_true_payload(data_form: DataForm) -> None:
    async with running_network(data_form) as network:
        await network.until_acks(1)
        token, manager = network.devnet.contracts.root.demo_token, network.devnet.contracts.root.root_chain_manager
        user = network.devnet.accounts.demo[0].address
        before = network.read_uint(token, "balanceOf(address)", user)
        burn = await _burn(network)
        assert await _statuses_until(network, burn, "READY") == ["PENDING", "NOT_CHECKPOINTED", "READY"]

        answer = await network.get(f"/sidewarden/v1/burns/{to_hex(burn)}/proof?log_index=1", validator=1)
        assert (answer.status, _code(answer)) == (HTTPStatus.NOT_FOUND, "LOG_NOT_A_BURN")
        answer = await network.get(f"/sidewarden/v1/burns/{to_hex(burn)}/proof", validator=1)
        payload = from_hex(cast(str, answer.json["payload"]))
        for false_payload in _false_payloads(payload):
            with pytest.raises(CallReverted):
                network.chain(ROOT).call(manager, encode_call("exit(bytes)", false_payload), user)

        exit_call = encode_call("exit(bytes)", payload)
        assert await network.mined(ROOT, network.wallet(ROOT).send(manager, exit_call))
        assert network.read_uint(token, "balanceOf(address)", user) == before + BURNT
        assert not await network.mined(ROOT, network.wallet(ROOT).send(manager, exit_call)), "it was paid twice"
        assert network.read_uint(token, "balanceOf(address)", user) == before + BURNT
        assert await _statuses_until(network, burn, "EXITED") in (["READY", "EXITED"], ["EXITED"])


async def _burn(network: Network) -> Hash32:
    call = encode_call("withdraw(uint256)", BURNT)
    return await network.wallet(SIDE).send(network.devnet.contracts.side.demo_token, call)


async def _statuses_until(network: Network, burn: Hash32, last: str) -> list[str]:
    """The statuses that a validator's API gives, round by round, each once."""
    told: list[str] = []
    for _ in range(100):
        status = cast(str, (await network.get(f"/sidewarden/v1/burns/{to_hex(burn)}")).json["status"])
        if status not in told[-1:]:
            told.append(status)
        if status == last:
            break
        await network.round()
    return told


def _code(answer: Answer) -> str:
    return cast(str, cast(dict[str, object], answer.json["error"])["code"])


def _false_payloads(payload: bytes) -> list[bytes]:
    """The payload with one byte changed, at places all over it; and with the index of another log."""
    changed = [payload[:at] + bytes([payload[at] ^ 1]) + payload[at + 1 :] for at in range(0, len(payload), 97)]
    decoded = decode_payload(payload)
    return [*changed, encode_payload(replace(decoded, log_index=decoded.log_index + 1))]
