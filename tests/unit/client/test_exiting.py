"""The exit's own transaction, on real contracts: what is tried, what it may cost, and when it is not sent."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import count

import aiohttp
import pytest

from bridge import Bridge
from bridge.burns.errors import ExitRefused
from bridge.chain.connect import connect
from bridge.chain.fees import GWEI, FeePolicy, Price
from bridge.chain.reader import ChainReader
from bridge.chain.transport import HttpTransport
from bridge.client.errors import (
    ContractUnfit,
    ExitError,
    ExitFailed,
    ExitTaken,
    FeeTooHigh,
    NotAccepted,
    NotFunded,
    NotMined,
    WrongSender,
)
from bridge.client.exiting import PLASMA_EXIT, ExitCall, ExitPlan, mined_exit, plan_exit, send_exit
from bridge.codec.hexadecimal import from_hex, quantity, to_hex
from bridge.codec.secp256k1 import sign
from bridge.codec.transaction import DynamicFeeTransaction, transaction_hash
from bridge.codec.types import Address, Hash32, Signature, Wei
from tests.contracts.crossing import BURNER
from tests.contracts.harness import SUBMITTER, Account, account
from tests.contracts.network import ROOT_CHAIN_ID, TOKEN
from tests.unit.chain.rpc_server import RpcFault, RpcServer
from tests.unit.client.evm_world import EvmWorld, evm_world
from tests.unit.client.story import StoryClock

SENDER = SUBMITTER
PENNILESS = account("penniless")


@dataclass
class Ready:
    """Somebody who sends."""

    reader: ChainReader
    clock: StoryClock


@dataclass
class ReadyExit(Ready):
    """With the chains on which it can be made."""

    world: EvmWorld
    call: ExitCall

    async def send(self) -> Hash32:
        plan = await plan_exit(self.reader, self.call, SENDER.address, FeePolicy())
        return await send_exit(self.reader, plan, signing(SENDER), self.clock)


def signing(sender: Account) -> Callable[[Hash32], Signature]:
    return lambda digest: sign(digest, sender.private_key)


@asynccontextmanager
async def ready_exit() -> AsyncIterator[ReadyExit]:
    async with evm_world() as world, aiohttp.ClientSession() as session:
        transaction = world.ready_burn()
        clock = StoryClock()
        async with Bridge.connect(
            side_rpc=[world.side_url], root_rpc=[world.root_url], root_chain=world.root_chain
        ) as bridge:
            proof = await bridge.proof(transaction)
        reader = await connect("root", [world.root_url], HttpTransport(session), clock)
        call = ExitCall(world.manager, "exit(bytes)", proof.payload, BURNER.address)
        yield ReadyExit(reader, clock, world, call)


async def test_exit__planned_sent_and_mined__pays_the_burner_for_less_than_was_said() -> None:
    async with ready_exit() as ready:
        crossing = ready.world.crossing
        before = crossing.root_balance(BURNER.address)
        plan = await plan_exit(ready.reader, ready.call, SENDER.address, FeePolicy())
        sent = await send_exit(ready.reader, plan, signing(SENDER), ready.clock)
        ready.clock.chapters = [lambda: None, ready.world.mine_root]
        mined = await mined_exit(ready.reader, sent, ready.clock, wait_s=60)

        assert (plan.chain_id, plan.contract, plan.function) == (ROOT_CHAIN_ID, ready.world.manager, "exit(bytes)")
        assert crossing.root_balance(BURNER.address) - before == 5 * TOKEN
        assert mined.gas_used <= plan.gas_limit < 2 * mined.gas_used
        assert mined.hash == sent


async def test_plan__of_an_exit_that_was_taken__is_refused_before_anything_is_paid() -> None:
    async with ready_exit() as ready:
        ready.world.crossing.root.chain.send(SENDER, ready.world.crossing.exit(ready.call.payload))
        with pytest.raises(ExitTaken, match="EXIT_ALREADY_PROCESSED"):
            await ready.send()


@pytest.mark.parametrize(
    ("change", "refused", "words"),
    [
        ({"payload": b"\x00" * 64}, ExitRefused, "refuses the exit"),
        ({"contract": None}, ContractUnfit, "nobody has named the contract"),
        ({"contract": Address(b"\x99" * 20)}, ContractUnfit, "no contract stands at 0x9999"),
        ({"function": "transfer(address,uint256)"}, ContractUnfit, "no function that makes an exit"),
        ({"function": PLASMA_EXIT}, WrongSender, "begun by the burner, 0x"),
        ({"function": PLASMA_EXIT, "burner": None}, WrongSender, "begun by the burner, not by"),
    ],
)
async def test_plan__of_what_makes_no_exit__says_why(
    change: dict[str, object], refused: type[Exception], words: str
) -> None:
    async with ready_exit() as ready:
        ready.call = replace(ready.call, **change)  # type: ignore[arg-type]  # one field, of its own type
        with pytest.raises(refused, match=words):
            await ready.send()


async def test_plan__above_the_fee_cap_or_beyond_the_balance__is_refused() -> None:
    async with ready_exit() as ready:
        cheap = FeePolicy(ceiling_wei=Wei(1), tip_floor_wei=Wei(1), tip_cap_wei=Wei(1))
        with pytest.raises(FeeTooHigh, match="above the cap of"):
            await plan_exit(ready.reader, ready.call, SENDER.address, cheap)
        with pytest.raises(NotFunded, match="holds 0 wei, and the exit may cost"):
            await plan_exit(ready.reader, ready.call, PENNILESS.address, FeePolicy())
        capped = await plan_exit(ready.reader, ready.call, SENDER.address, FeePolicy(ceiling_wei=Wei(2 * GWEI)))
        assert capped.price.max_fee_wei <= 2 * GWEI


@asynccontextmanager
async def refusing(*refusals: str) -> AsyncIterator[Ready]:
    """An endpoint that refuses a transaction in these words, one after another, and then takes it."""
    left, nonces = list(refusals), count()

    def answer(method: str, params: list[object]) -> object:
        if method == "eth_chainId":
            return quantity(ROOT_CHAIN_ID)
        if method == "eth_getTransactionCount":
            assert params[1] == "pending"
            return quantity(next(nonces))
        if left:
            raise RpcFault(-32000, left.pop(0))
        return to_hex(transaction_hash(from_hex(params[0])))

    clock = StoryClock()
    async with RpcServer(answer) as server, aiohttp.ClientSession() as session:
        reader = await connect("root", [server.url], HttpTransport(session), clock)
        yield Ready(reader, clock)


PLAN = ExitPlan(
    *(ROOT_CHAIN_ID, SENDER.address, Address(b"\x11" * 20), "exit(bytes)", b"", 100_000),
    Price(Wei(2 * GWEI), Wei(GWEI)),
)


TRANSACTION = DynamicFeeTransaction(
    *(PLAN.chain_id, 0, PLAN.price.tip_wei, PLAN.price.max_fee_wei, PLAN.gas_limit, PLAN.contract, Wei(0), PLAN.data)
)


async def test_send__under_a_nonce_that_somebody_else_took__counts_anew() -> None:
    async with refusing("nonce too low", "replacement transaction underpriced") as ready:
        ready.clock.chapters = [lambda: None] * 2
        sent = await send_exit(ready.reader, PLAN, signing(SENDER), ready.clock)

    signed_at_two = replace(TRANSACTION, nonce=2)
    assert sent == transaction_hash(signed_at_two.raw(signing(SENDER)(signed_at_two.signing_hash())))


async def test_send__while_the_nonce_is_always_taken__ends() -> None:
    async with refusing(*["nonce too low"] * 20) as ready:
        ready.clock.chapters = [lambda: None] * 20
        with pytest.raises(NotAccepted, match="nonce too low"):
            await send_exit(ready.reader, PLAN, signing(SENDER), ready.clock)
    assert len(ready.clock.pauses_s) == 7


async def test_send__refused_for_good__is_not_tried_again() -> None:
    async with refusing("insufficient funds for gas") as ready:
        with pytest.raises(NotAccepted, match="insufficient funds"):
            await send_exit(ready.reader, PLAN, signing(SENDER), ready.clock)


async def test_send__with_an_answer_that_says_nothing_of_the_bytes__is_taken_to_be_on_its_way() -> None:
    async with refusing("the moon is full") as ready:
        sent = await send_exit(ready.reader, PLAN, signing(SENDER), ready.clock)

    assert sent == transaction_hash(TRANSACTION.raw(signing(SENDER)(TRANSACTION.signing_hash())))


async def test_mined__after_another_exit_of_the_burn_came_first__says_that_it_failed() -> None:
    async with ready_exit() as ready:
        chain = ready.world.crossing.root.chain
        first = chain.raw(BURNER, ready.world.crossing.exit(ready.call.payload), gas_limit=1_000_000)
        chain.embedded.send_raw(first)
        sent = await ready.send()
        ready.world.mine_root()
        with pytest.raises(ExitFailed, match="taken meanwhile"):
            await mined_exit(ready.reader, sent, ready.clock, wait_s=5)


async def test_mined__never__says_that_it_may_still_be() -> None:
    async with ready_exit() as ready:
        sent = await ready.send()
        ready.clock.chapters = [lambda: None] * 20
        with pytest.raises(NotMined, match="in no block after 5 s; it may still come into one"):
            await mined_exit(ready.reader, sent, ready.clock, wait_s=5)


def test_errors__each__has_a_code_of_its_own() -> None:
    codes = [error.code for error in ExitError.__subclasses__()]

    assert len(set(codes)) == len(codes) == 8
