"""Verdicts: VALID is signed over our own headers, INVALID needs a second endpoint, and all else is silence."""

from dataclasses import replace

import aiohttp
import pytest

from bridge.chain.errors import NotHeld
from bridge.chain.header_store import HeaderChange
from bridge.chain.reader import ChainReader
from bridge.chain.rpc import RpcPool
from bridge.chain.transport import HttpTransport
from bridge.codec import merkle
from bridge.codec.hash import keccak256
from bridge.codec.header import leaf_of
from bridge.codec.receipts import Log
from bridge.codec.types import Address, BlockNumber, ChainId, Hash32
from node.app.errors import InvalidReason
from node.app.messages import Invalid, Valid
from node.app.proposals import digest_of
from node.app.signatures import recovered_signer
from node.duties.follow import FollowSide, LookRhythm
from node.duties.readiness import turn_checkpoint
from node.duties.verdicts import Judge, VerdictKey, root_by
from node.keys.record import SigningRecord
from node.keys.slots import checkpoint_slot
from tests.unit.chain.tiny_chain import TinyChain
from tests.unit.duties.world import World

WRONG_ROOT = keccak256(b"not the root")


async def _verdict(world: World) -> Valid | Invalid | None:
    return await world.judge.verdict(world.state, world.network.proposal, world.identity)


async def test_verdict__our_headers_give_the_same_root__valid_with_the_signature_that_l1_checks(world: World) -> None:
    await world.proposed()
    verdict = await _verdict(world)
    assert isinstance(verdict, Valid)
    proposal = world.network.proposal
    digest = digest_of(world.state.params.root_chains[0], proposal)
    assert recovered_signer(digest, verdict.signature) == world.me.key.address
    assert await _verdict(world) == verdict, "the same bytes when it is asked again"


async def test_verdict__contract_with_another_number_for_the_side_chain__end_is_kept_under_the_chain_s_own(
    world: World,
) -> None:
    """Else nobody would compare it with the side chain, and after a restart nothing could be signed."""
    await world.proposed()
    params = replace(world.state.params, network=replace(world.state.params.network, side_chain_id=ChainId(137)))

    await world.judge.verdict(replace(world.state, params=params), world.network.proposal, world.identity)

    assert [end.number for end in world.signer.signed_ends(ChainId(137))] == [7]
    assert world.signer.signed_ends(params.root_chains[0].contract_chain_id) == ()


async def test_verdict__not_confirmed_here_yet__silence_until_it_is(world: World) -> None:
    await world.proposed()
    world.side_store.apply(HeaderChange(remove_from=BlockNumber(5)))
    assert await _verdict(world) is None
    assert world.judge.last_cannot_tell == "the side chain is not confirmed here up to block 7"
    await world.look()
    assert isinstance(await _verdict(world), Valid)
    assert world.judge.counts == {VerdictKey(0, "CANNOT_TELL"): 1, VerdictKey(0, "VALID"): 1}


async def test_verdict__something_else_was_signed_for_the_turn__silence_that_says_so(world: World) -> None:
    await world.proposed()
    proposed = turn_checkpoint(world.state, world.network.proposal)
    assert isinstance(world.record, SigningRecord)
    slot = checkpoint_slot(
        world.state.params.genesis_hash, proposed.root_chain, proposed.turn, proposed.checkpoint, proposed.binding
    )
    world.record.admit(slot, keccak256(b"another checkpoint"))
    assert await _verdict(world) is None
    assert (world.judge.last_cannot_tell or "").startswith("SLOT_TAKEN: ")


async def test_verdict__wrong_root_and_both_endpoints_agree__invalid(world: World) -> None:
    await world.proposed(root=WRONG_ROOT)
    assert await _verdict(world) == Invalid(0, world.network.proposal.turn, InvalidReason.ROOT_MISMATCH)


async def test_verdict__wrong_root_and_no_second_endpoint__silence(
    world: World, session: aiohttp.ClientSession
) -> None:
    await world.proposed(root=WRONG_ROOT)
    chain_id = world.follow_side.reader.pool.chain_id
    only = RpcPool("side", [world.servers[0].url], chain_id, HttpTransport(session), world.clock)
    rhythm = LookRhythm(world.clock, 0)
    alone = FollowSide(world.follow_side.follower, ChainReader(only), lambda: world.committed, 64, rhythm)
    judge = Judge(alone, world.signer)
    assert await judge.verdict(world.state, world.network.proposal, world.identity) is None
    assert judge.last_cannot_tell == "the root differs from ours, and there is no second endpoint to ask"


async def test_verdict__wrong_root_and_the_second_endpoint_is_down__silence(world: World) -> None:
    await world.proposed(root=WRONG_ROOT)
    world.side_b.is_down = True
    assert await _verdict(world) is None
    assert "the second endpoint cannot tell" in (world.judge.last_cannot_tell or "")


async def test_verdict__wrong_root_and_the_second_endpoint_lags__silence(world: World) -> None:
    await world.proposed(root=WRONG_ROOT)
    world.side_b.hidden_blocks = 4
    assert await _verdict(world) is None
    assert "no complete chain of headers" in (world.judge.last_cannot_tell or "")


async def test_verdict__wrong_root_and_the_second_endpoint_has_another_chain__silence(world: World) -> None:
    await world.proposed(root=WRONG_ROOT)
    world.side_b.chain = _fork_of(world.side)
    assert await _verdict(world) is None
    assert world.judge.last_cannot_tell == "the root differs from ours, and the two endpoints differ from each other"


async def test_verdict__the_primary_lies_and_the_second_is_right__no_false_invalid(world: World) -> None:
    """The proposal is right, but the endpoint that we follow shows us another chain."""
    true_side, world.side_a.chain = world.side, _fork_of(world.side, length=12)
    true_side.mine(count=10)
    await world.look()
    world.network.make_due(7)
    world.network.propose(0, 7, _plain_root(true_side))
    assert await _verdict(world) is None


async def test_verdict__the_second_answered_somebody_else_last__the_primary_is_not_its_own_witness(
    world: World,
) -> None:
    true_side, world.side_a.chain = world.side, _fork_of(world.side, length=12)
    true_side.mine(count=10)
    await world.look()
    world.network.make_due(7)
    world.network.propose(0, 7, _plain_root(true_side))
    world.side_a.is_down = True
    await world.follow_side.reader.head_number()
    world.side_a.is_down = False
    assert await _verdict(world) is None
    assert world.judge.last_cannot_tell == "the root differs from ours, and the two endpoints differ from each other"


async def test_verdict__our_invalid_is_in_the_state__not_said_again_and_counted_once(world: World) -> None:
    await world.proposed(root=WRONG_ROOT)
    invalid = await _verdict(world)
    assert isinstance(invalid, Invalid)
    world.network.block(world.network.attest(world.me, invalid))
    asked = len(world.engine.sent)
    assert await _verdict(world) is None
    assert len(world.engine.sent) == asked
    assert world.judge.counts == {VerdictKey(0, "INVALID"): 1}


async def test_verdict__looked_at_again_and_again__counted_once(world: World) -> None:
    await world.proposed()
    for _ in range(5):
        await _verdict(world)
    assert world.judge.counts == {VerdictKey(0, "VALID"): 1}


@pytest.mark.parametrize("length", [3, 12])
async def test_verdict__the_chain_changed_below_a_signed_end__nothing_over_the_new_one(
    world: World, length: int
) -> None:
    await world.proposed()
    assert isinstance(await _verdict(world), Valid)
    world.network.block(*(world.network.attest(one, world.network.invalid()) for one in world.others))
    world.side.reorg(depth=6, length=0)
    for _ in range(length + 6):
        world.side.mine([Log(Address(bytes(20)), (), b"fork")], salt=b"fork")
    await world.look()
    await world.look()
    stop = world.readiness.stop
    assert stop is not None
    assert stop.reason == "SIDE_REORG_BELOW_SIGNED"
    assert world.readiness.signing_identity(world.committed) is None


async def test_root_by__headers_of_two_chains__are_no_chain(world: World) -> None:
    mixed = _fork_of(world.side)
    world.side.mine(count=10)
    mixed.blocks[:4] = world.side.blocks[:4]
    world.side_a.chain = mixed
    with pytest.raises(NotHeld, match="no complete chain of headers from block 0"):
        await root_by(world.follow_side.reader, BlockNumber(0), BlockNumber(7))


def _fork_of(side: TinyChain, length: int = 11) -> TinyChain:
    """Another chain with the same genesis block, and other leaves."""
    other = TinyChain(side.block_time_s)
    for _ in range(length):
        other.mine([Log(Address(bytes(20)), (), b"fork")], salt=b"fork")
    return other


def _plain_root(side: TinyChain) -> Hash32:
    return merkle.root([leaf_of(block.header) for block in side.blocks[:8]])
