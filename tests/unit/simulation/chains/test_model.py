"""The chain of models: what it shares with the embedded one is held by the differential test; here is what it adds."""

import os
import subprocess
import sys

import pytest

from bridge.codec.abi import encode_call
from bridge.codec.trie import ordered_trie_root
from bridge.codec.types import Address, ChainId, Hash32, Wei
from contracts.deployment import DeploymentStep, RootContracts
from contracts.loader import artifact
from node.devnet.bootstrap import signed_step
from node.devnet.chain import BlockUnknown, PoolFaults, TransactionRefused
from node.networks.accounts import Account
from node.simulation.chains.contracts import MODELS
from node.simulation.chains.model import ModelChain
from node.simulation.chains.worlds import World
from tests.unit.simulation.chains.script import ACCOUNTS, GWEI, ROOT_ID, SPARE

ALICE, BOB = ACCOUNTS.demo[:2]
POOR = SPARE[0].address


def transfer(chain: ModelChain, sender: Account, token: Address, amount: int, nonce_offset: int = 0) -> Hash32:
    """Demo tokens to one who has none, sent and not mined."""
    step = DeploymentStep("transfer", token, encode_call("transfer(address,uint256)", POOR, amount))
    return chain.send_raw(signed_step(ROOT_ID, sender, chain.nonce(sender.address) + nonce_offset, step))


def held_by(chain: ModelChain, token: Address, account: Address, block: int | bytes | None = None) -> int:
    return int.from_bytes(chain.call(token, encode_call("balanceOf(address)", account), block=block))


@pytest.fixture
def token(world: World[RootContracts], chain: ModelChain) -> Address:
    """The root chain's demo token, of which Alice and Bob have some."""
    for account in (ALICE, BOB):
        mint = encode_call("mint(address,uint256)", account.address, 1_000)
        step = DeploymentStep("mint", world.contracts.demo_token, mint)
        chain.send_raw(signed_step(ROOT_ID, ACCOUNTS.deployer, chain.pending_nonce(ACCOUNTS.deployer.address), step))
    chain.mine()
    return world.contracts.demo_token


@pytest.mark.parametrize("name", MODELS)
def test_models__functions__are_those_of_the_contract(name: str) -> None:
    assert set(MODELS[name].FUNCTIONS) == {function.selector for function in artifact(name).entries("function")}


def test_block__with_transactions__commits_to_them(chain: ModelChain, token: Address) -> None:
    transfer(chain, ALICE, token, 5)
    transfer(chain, BOB, token, 6)
    (header,) = chain.mine()
    block = chain.block()
    assert header.transactions_root == ordered_trie_root([each.raw for each in block.transactions])
    assert header.gas_used == block.receipts[-1].cumulative_gas_used
    assert [len(receipt.logs) for receipt in block.receipts] == [1, 1]
    assert header.hash == chain.header(header.number).hash


def test_state__at_old_blocks__is_what_it_was(chain: ModelChain, token: Address) -> None:
    before = chain.head.number
    transfer(chain, ALICE, token, 5)
    chain.mine(3)
    transfer(chain, ALICE, token, 7)
    chain.mine()
    seen = [held_by(chain, token, POOR, before + offset) for offset in range(5)]
    assert seen == [0, 5, 5, 5, 12]
    assert [chain.nonce(ALICE.address, before + offset) for offset in (0, 1, 4)] == [0, 1, 2]
    assert chain.balance(ALICE.address, before) > chain.balance(ALICE.address, before + 1)
    assert chain.code(token, 1) == b""
    assert chain.code(token) == artifact("DemoToken").deployed_bytecode


@pytest.mark.parametrize("with_transactions", [True, False])
def test_reorg__of_blocks_with_transfers__rolls_state_back_or_makes_it_anew(
    chain: ModelChain, token: Address, with_transactions: bool
) -> None:
    before = chain.head.number
    sent = transfer(chain, ALICE, token, 5)
    chain.mine(2)
    old = [chain.header(before + offset) for offset in (1, 2)]
    new = chain.reorg(2, with_transactions=with_transactions)
    assert [header.number for header in new] == [before + 1, before + 2, before + 3]
    assert not {header.hash for header in new} & {header.hash for header in old}
    assert not any(chain.is_canonical(header) for header in old)
    assert held_by(chain, token, POOR) == (5 if with_transactions else 0)
    assert (chain.mined(sent) is not None) is with_transactions
    assert (chain.waiting(sent) is not None) is not with_transactions
    # A block that was replaced is still known by its hash, with the state that it had.
    assert [held_by(chain, token, POOR, header.hash) for header in old] == [5, 5]
    assert chain.block(old[0].hash).transactions[0].hash == sent
    chain.reorg(3)
    assert [held_by(chain, token, POOR, header.hash) for header in (*old, new[0])] == [5, 5, 5 * with_transactions]


def test_reorg__below_genesis__is_refused(chain: ModelChain) -> None:
    with pytest.raises(BlockUnknown):
        chain.reorg(chain.head.number + 1)
    assert chain.reorg(chain.head.number)[0].number == 1


def test_base_fee__forced__stays_until_the_rule_takes_over(chain: ModelChain, token: Address) -> None:
    chain.force_base_fee(Wei(500 * GWEI))
    assert chain.next_base_fee_wei() == 500 * GWEI
    waiting = transfer(chain, ALICE, token, 5)  # its cap is below that
    forced = chain.mine(2)
    assert [header.base_fee_per_gas_wei for header in forced] == [500 * GWEI] * 2
    assert chain.next_base_fee_wei(forced[0].number) == 500 * GWEI
    assert chain.mined(waiting) is None
    chain.force_base_fee(None)
    (fallen,) = chain.mine()
    assert fallen.base_fee_per_gas_wei == 500 * GWEI * 7 // 8
    chain.mine(20)
    assert chain.mined(waiting) is not None


def test_pool__held_transaction__waits_with_all_behind_it(chain: ModelChain, token: Address) -> None:
    held, behind = transfer(chain, ALICE, token, 5), transfer(chain, ALICE, token, 6, nonce_offset=1)
    other = transfer(chain, BOB, token, 7)
    chain.set_pool_faults(PoolFaults(held=frozenset({held})))
    chain.mine()
    assert [chain.mined(each) is not None for each in (held, behind, other)] == [False, False, True]
    assert chain.waiting(held) is not None
    assert chain.pending_nonce(ALICE.address) == chain.nonce(ALICE.address) + 2
    chain.set_pool_faults(PoolFaults())
    chain.mine()
    assert [chain.mined(each) is not None for each in (held, behind)] == [True, True]


def test_pool__censored_sender__is_in_no_block(chain: ModelChain, token: Address) -> None:
    chain.set_pool_faults(PoolFaults(censored=frozenset({ALICE.address})))
    sent, other = transfer(chain, ALICE, token, 5), transfer(chain, BOB, token, 6)
    chain.mine(3)
    assert (chain.mined(sent), chain.mined(other) is not None) == (None, True)


def test_pool__refusing__says_why(chain: ModelChain, token: Address) -> None:
    chain.set_pool_faults(PoolFaults(refusal="txpool is full"))
    with pytest.raises(TransactionRefused, match=r"^txpool is full$"):
        transfer(chain, ALICE, token, 5)
    assert chain.waiting_count == 0


def test_pool__dropped_transaction__is_gone_and_can_be_sent_again(chain: ModelChain, token: Address) -> None:
    sent = transfer(chain, ALICE, token, 5)
    assert chain.drop(sent)
    assert not chain.drop(sent)
    chain.mine()
    assert (chain.waiting(sent), chain.mined(sent)) == (None, None)
    assert transfer(chain, ALICE, token, 5) == sent


DETERMINISM = """
from bridge.chain.clock import ManualClock
from bridge.codec.checkpoint import DataForm
from bridge.codec.types import ChainId, UnixSeconds
from node.devnet.accounts import draw_accounts
from node.devnet.bootstrap import deployment_plan
from node.simulation.chains.worlds import ChainKind, ChainOptions, root_world, side_world
accounts, start = draw_accounts(3, 4), UnixSeconds(1_700_000_000)
plan = deployment_plan(accounts, ChainId(2), DataForm.BOUND)
root = root_world(ChainOptions(ChainKind.MODEL, ChainId(1), start, ManualClock(start)), plan, accounts, 3)
side = side_world(ChainOptions(ChainKind.MODEL, ChainId(2), start, ManualClock(start)), plan, accounts, root)
root.chain.reorg(5)
print(root.chain.head.hash.hex(), side.chain.head.hash.hex())
"""


def test_worlds__under_any_hash_seed__have_the_same_blocks() -> None:
    printed = {
        subprocess.run(
            [sys.executable, "-c", DETERMINISM],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4242")
    }
    assert len(printed) == 1


def test_imports__of_models_and_rpc__bring_no_evm() -> None:
    code = (
        "import sys, node.simulation.chains.worlds, node.simulation.chains.rpc, node.devnet.rpc.server\n"
        "print(sorted(name for name in sys.modules if name.split('.')[0] in ('eth', 'trie', 'rlp')))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_transaction__of_another_chain__is_refused(chain: ModelChain, token: Address) -> None:
    step = DeploymentStep("transfer", token, b"")
    with pytest.raises(TransactionRefused, match="invalid chain id for signer: have 1 want 1337"):
        chain.send_raw(signed_step(ChainId(1), ALICE, 0, step))
