"""What holds of a network of real nodes at the end of every scenario, whatever went wrong in it.

    network.until_converged()
    check_invariants(network)            # stops the network, to look into its files

Votes are counted where they cannot be hidden: in the write-ahead logs of all nodes, which hold what each has heard.
"""

from collections import defaultdict
from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass

from bridge.codec.checkpoint import HEADER_ID_STEP
from bridge.codec.events import NEW_HEADER_BLOCK_TOPIC
from bridge.codec.hexadecimal import to_hex
from config.file import load_home
from node.engine.comet.files import CometFiles
from node.keys.record import SigningRecord
from node.keys.slots import VoteStep, vote_slot
from tests.e2e.comet.network import API, CometNetwork
from tests.e2e.comet.wal import VoteSlot, votes_in
from tests.unit.keys.helpers import MemoryFacts

_STEPS = {1: VoteStep.PREVOTE, 2: VoteStep.PRECOMMIT}
"""By CometBFT's numbers."""


@dataclass(frozen=True, slots=True)
class Block:
    """What all must have the same of a block; `app_hash` is the state after the block before."""

    hash: str
    app_hash: str
    time: str
    proposer: str
    transactions: int
    evidence: int
    round_before: int
    """In which the block before was decided."""


def blocks_of(network: CometNetwork, index: int, first: int = 1) -> dict[int, Block]:
    """All blocks that a node still has, by height."""
    reached = network.height(index)
    blocks = {}
    for height in range(first, reached + 1):
        answer = network.get(index, f"{API}/engine/rpc/block?height={height}")
        if answer is None or "result" not in answer:
            continue  # pruned, or before a snapshot
        header, body = answer["result"]["block"]["header"], answer["result"]["block"]
        blocks[height] = Block(
            answer["result"]["block_id"]["hash"],
            header["app_hash"],
            header["time"],
            header["proposer_address"],
            len(body["data"]["txs"]),
            len(body["evidence"]["evidence"]),
            int(body["last_commit"]["round"]),
        )
    return blocks


def check_invariants(network: CometNetwork, *, evidence: int = 0) -> dict[int, Block]:
    """Fail unless all of them hold; the network is down then. Its blocks."""
    blocks = _no_fork(network)
    assert sum(block.evidence for block in blocks.values()) == evidence
    _every_header_once(network)
    network.down()
    _one_signature_per_slot(network)
    return blocks


def _no_fork(network: CometNetwork) -> dict[int, Block]:
    """At each height, all who have the block have the same, and the same state before it."""
    found: dict[int, Block] = {}
    for index in network.everybody:
        blocks = blocks_of(network, index)
        assert blocks, f"validator {index} shows no block"
        for height, block in blocks.items():
            assert found.setdefault(height, block) == block, f"validator {index} has another block {height}"
    return found


def _every_header_once(network: CometNetwork) -> None:
    """The contract has taken each checkpoint once, in order, and every ack is of one of them."""
    root_chain = network.described["root_chains"][0]["contracts"]["RootChain"]
    wanted = {"address": root_chain, "topics": [to_hex(NEW_HEADER_BLOCK_TOPIC)], "fromBlock": "0x0"}
    numbers = [int(log["topics"][2], 16) for log in network.rpc("root", "eth_getLogs", wanted)]
    assert numbers == [HEADER_ID_STEP * count for count in range(1, len(numbers) + 1)]
    assert len(numbers) >= max(map(network.acks, network.everybody))
    assert network.submissions().count(True) == len(numbers)


def _one_signature_per_slot(network: CometNetwork) -> None:
    """Nobody has signed two votes for a height, round and type, and each record knows of all that its keys signed."""
    seen: dict[VoteSlot, set[tuple[bytes, bytes]]] = defaultdict(set)
    for index in network.everybody:
        for vote in votes_in(CometFiles(network.files.validator(index) / "comet").data):
            seen[vote.slot].add((vote.block_hash, vote.signature))
    twice = {slot: sorted(votes) for slot, votes in seen.items() if len(votes) > 1}
    assert not twice, f"signed twice: {twice}"
    assert seen
    for index in network.everybody:
        _record_is_ahead(network, index, seen)


def _record_is_ahead(network: CometNetwork, index: int, seen: Collection[VoteSlot]) -> None:
    home = load_home(network.files.validator(index))
    name = network.network_name
    with closing(SigningRecord.examine(home.locate(home.config.paths.signing_db), MemoryFacts())) as record:
        for signer in home.config.keys.signers:
            signed = [
                (slot.height, slot.round, int(_STEPS[slot.type])) for slot in seen if slot.validator == bytes(signer)
            ]
            if signed:
                last = record.last_vote(vote_slot(name, signer, 0, 0, VoteStep.PREVOTE).domain)
                assert last is not None
                assert last.slot.position >= max(signed), f"validator {index} forgot what it signed"
