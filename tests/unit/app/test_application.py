"""The application under an engine: repeatable blocks, one durable write, restarts, and what waits or enters a block."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from bridge.codec import rlp
from bridge.codec.hash import keccak256
from bridge.codec.section_tree import tree_verify
from bridge.codec.types import BlockNumber, UnixSeconds, ValidatorId
from node.app.abci import (
    CheckTxRequest,
    CheckTxType,
    FinalizeBlockRequest,
    InitChainRequest,
    Misbehavior,
    MisbehaviorType,
    ProcessProposalRequest,
    ProposalStatus,
    QueryRequest,
)
from node.app.apphash import SECTION_NAMES
from node.app.application import Application
from node.app.blocks import (
    BLOCK_BYTES_MAX,
    BLOCK_TRANSACTIONS_MAX,
    ENVELOPE_BYTES,
    LARGE_ATTESTS_BYTES_MAX,
    SMALL_ATTEST_BYTES,
)
from node.app.errors import GenesisError, HeightError, StoreError, TransactionCode, UpgradeNeeded
from node.app.evidence import EvidenceEntry, decode_evidence
from node.app.execution import NONCE_WINDOW
from node.app.genesis import genesis_hash
from node.app.history import EVIDENCE_LOG
from node.app.messages import TRANSACTION_BYTES_MAX, Attest, Head, Upgrade
from node.app.opened import TransactionOpener
from node.app.store import MemoryStateStore, StoredSection
from tests.unit.app import logs
from tests.unit.app.network import GENESIS_S, ROOT, Network, Validator, key, make_genesis


def head(number: int) -> Head:
    """A HEAD statement."""
    return Head(BlockNumber(number), keccak256(b"side"))


def request_of(network: Network, *transactions: bytes) -> FinalizeBlockRequest:
    """The next block with these transactions."""
    return FinalizeBlockRequest(
        txs=transactions,
        height=network.app.committed.height + 1,
        time_ns=network.time_ms * 1_000_000,
        hash=b"",
        proposer_address=key(1).address,
    )


def story() -> Network:
    """Two checkpoints, a no-ack, a join and a leave."""
    network = Network()
    network.checkpoint()
    new = key(5)
    network.l1_block(logs.staked(new.address, 5, 10**19, new.public), logs.unstake_init(1, 2, 3))
    network.see_l1()
    network.make_due(30)
    network.say_quiet()
    network.block()
    network.propose(8, 15)
    network.sign()
    network.empty_blocks(5)
    network.land()
    return network


def test_finalize__twice_for_a_height__second_discards_the_first() -> None:
    network = Network()
    one = network.attest(network.validators[0], head(5))
    other = network.attest(network.validators[1], head(6))
    first = network.app.finalize_block(request_of(network, one))
    second = network.app.finalize_block(request_of(network, other))
    assert network.app.committed.height == 0
    assert first.app_hash != second.app_hash
    assert network.app.finalize_block(request_of(network, one)).app_hash == first.app_hash
    network.app.finalize_block(request_of(network, other))
    network.app.commit()
    assert network.app.committed.app_hash == second.app_hash
    assert [voter.id for voter in network.state.tallies] == [2]


def test_finalize__height_that_does_not_follow_or_commit_without__refused() -> None:
    network = Network()
    with pytest.raises(HeightError):
        network.app.finalize_block(replace(request_of(network), height=2))
    with pytest.raises(HeightError):
        network.app.commit()


def test_crash__between_finalize_and_commit__nothing_of_it_is_there_and_replay_gives_the_same() -> None:
    network = Network()
    network.block(network.attest(network.validators[0], head(5)))
    request = request_of(network, network.attest(network.validators[1], head(5)))
    expected = network.app.finalize_block(request)
    restarted = network.restarted()
    assert restarted.info().last_block_height == 1
    assert restarted.info().last_block_app_hash == network.app.committed.app_hash
    with pytest.raises(HeightError):
        restarted.commit()
    assert restarted.finalize_block(request) == expected


def test_restart__after_a_long_story__same_state_hash_and_future() -> None:
    network = story()
    restarted = network.restarted()
    assert restarted.committed == network.app.committed
    network.twins = [restarted]
    network.make_due(40)
    network.propose(16, 23)


def test_replay__of_all_blocks_from_genesis__same_app_hash() -> None:
    network = story()
    fresh = Application(network.genesis, MemoryStateStore())
    for request in network.blocks:
        fresh.finalize_block(request)
        fresh.commit()
    assert fresh.committed == network.app.committed


def test_load__state_that_does_not_hash_to_its_app_hash_or_of_another_network__refused() -> None:
    network = story()
    stored = network.store.load()
    assert stored is not None
    network.store.save(stored.height, stored.time_ns, keccak256(b"another"), (), ())
    with pytest.raises(StoreError, match="app hash"):
        network.restarted()
    network.store.save(stored.height, stored.time_ns, stored.app_hash, (StoredSection("turns", 1, b"\xc1"),), ())
    with pytest.raises(StoreError, match="turns"):
        network.restarted()
    network.store.save(stored.height, stored.time_ns, stored.app_hash, (StoredSection("turns", 2, b"\xc0"),), ())
    with pytest.raises(StoreError, match="version"):
        network.restarted()
    other = story()
    with pytest.raises(StoreError, match="another network"):
        Application(make_genesis((7, 7, 7, 7), (ROOT,)), other.store)


def test_info_and_init_chain__fresh_start__engine_gets_validators_and_hash() -> None:
    network = Network()
    assert network.app.info().last_block_app_hash == b""
    response = network.app.init_chain(InitChainRequest("test-network", GENESIS_S * 10**9, 1))
    assert sorted(update.power for update in response.validators) == [70, 80, 90, 100]
    assert response.app_hash == network.app.committed.app_hash
    with pytest.raises(GenesisError, match="genesis says test-network"):
        network.app.init_chain(InitChainRequest("another", GENESIS_S * 10**9, 1))


def test_app_hash__every_section__proved_by_its_leaf() -> None:
    network = story()
    root = network.app.committed.app_hash
    assert network.app.query(QueryRequest("/app")).value == root
    for place, name in enumerate(SECTION_NAMES):
        answer = network.app.query(QueryRequest(f"/section/{name}", prove=True))
        leaf = rlp.encode((name.encode(), rlp.uint(1), keccak256(answer.value)))
        assert tree_verify(leaf, place, len(SECTION_NAMES), answer.proof, root)
    assert network.app.query(QueryRequest("/section/none")).code == 1
    assert network.app.query(QueryRequest("/other")).code == 1
    assert network.app.query(QueryRequest("/app", height=1)).code == 1


def test_app_hash__idle_blocks__does_not_change() -> None:
    network = Network()
    network.checkpoint()
    network.block()
    before = network.app.committed.app_hash
    network.empty_blocks(20, seconds=10)
    assert network.app.committed.app_hash == before


DETERMINISM = """
from tests.unit.app.test_application import story
print(story().app.committed.app_hash.hex())
"""


def test_app_hash__whatever_the_hash_seed__the_same() -> None:
    hashes = set()
    for seed in ("0", "1", "4242"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        run = subprocess.run(
            [sys.executable, "-c", DETERMINISM], env=environment, capture_output=True, text=True, check=True
        )
        hashes.add(run.stdout.strip())
    assert hashes == {story().app.committed.app_hash.hex()}


def test_evidence__in_a_block__is_appended_in_order_and_every_node_gets_the_same() -> None:
    network = Network()
    network.twins = [Application(network.genesis, MemoryStateStore())]
    before = network.app.committed.app_hash
    odd = Misbehavior(MisbehaviorType.LIGHT_CLIENT_ATTACK, key(99).address, -1, -1, -1, -1)
    twice = Misbehavior(MisbehaviorType.DUPLICATE_VOTE, key(3).address, 80, 7, 5_000_000_001, 340)
    request = replace(request_of(network), misbehavior=(twice, odd))
    for application in (network.app, *network.twins):
        response = application.finalize_block(request)
        application.commit()
    assert {application.committed.app_hash for application in (network.app, *network.twins)} == {response.app_hash}
    assert response.app_hash != before
    assert [event.type for event in response.events] == ["misbehavior", "misbehavior"]
    first, second = map(decode_evidence, network.store.log_entries(EVIDENCE_LOG, 0, 10))
    recorded = (network.app.committed.height, network.app.committed.time_s)
    assert first == EvidenceEntry(
        MisbehaviorType.DUPLICATE_VOTE, key(3).address, ValidatorId(3), 80, 340, 7, UnixSeconds(5), *recorded
    )
    assert (second.validator, second.power, second.height, second.misbehaved_s) == (None, 0, 0, 0)
    network.block()
    assert network.app.committed.app_hash == response.app_hash, "an idle network is idle again"


# --- what waits -------------------------------------------------------------------------------------------------------


def test_check_tx__each_fault__its_code() -> None:
    network = Network()
    one = network.validators[0]
    good = network.attest(one, head(5))
    assert network.check(good).code == TransactionCode.OK
    assert network.check(b"junk").code == TransactionCode.MALFORMED
    assert network.check(bytes(TRANSACTION_BYTES_MAX + 1)).code == TransactionCode.TOO_LARGE
    assert network.check(good[:-1] + bytes([good[-1] ^ 1])).code == TransactionCode.BAD_SIGNATURE
    assert network.check(good[:-65] + bytes(65)).code == TransactionCode.BAD_SIGNATURE
    another_s = network.attest(network.validators[1], head(5))
    assert network.check(good[:-65] + another_s[-65:]).code == TransactionCode.BAD_SIGNATURE
    stranger = Validator(one.id, key(99))
    assert network.check(network.attest(stranger, head(5))).code == TransactionCode.UNKNOWN_SIGNER
    network.block(good)
    assert network.check(good).code == TransactionCode.NONCE_USED
    empty = Attest(bytes(8), 1, ())
    assert network.check(network.transaction(one, empty, nonce=1 + NONCE_WINDOW)).code == TransactionCode.OK
    assert network.check(network.transaction(one, empty, nonce=2 + NONCE_WINDOW)).code == TransactionCode.NONCE_TOO_HIGH


def test_check_tx__third_pending_of_a_signer__refused_until_one_is_used_up() -> None:
    network = Network()
    one, two = network.validators[:2]
    first, second, third = (network.attest(one, head(number)) for number in (5, 6, 7))
    assert network.check(first).code == network.check(second).code == TransactionCode.OK
    assert network.check(third).code == TransactionCode.TOO_MANY_PENDING
    assert network.check(first).code == TransactionCode.OK, "the same bytes again are no third"
    assert network.check(network.attest(two, head(5))).code == TransactionCode.OK
    network.block(first)
    recheck = network.app.check_tx(CheckTxRequest(first, CheckTxType.RECHECK))
    assert recheck.code == TransactionCode.NONCE_USED
    assert network.check(third).code == TransactionCode.OK


def test_check_tx__pending_that_the_engine_lost__makes_room_after_some_blocks() -> None:
    network = Network()
    one = network.validators[0]
    for number in (5, 6):
        network.check(network.attest(one, head(number)))
    third = network.attest(one, head(7))
    network.empty_blocks(10)
    assert network.check(third).code == TransactionCode.TOO_MANY_PENDING
    network.block()
    assert network.check(third).code == TransactionCode.OK


def test_check_tx__signer_that_left__known_for_a_hundred_blocks() -> None:
    network = Network()
    network.l1_block(logs.unstake_init(1, 2, 1))
    network.see_l1()
    leaver = network.validators[0]
    network.empty_blocks(99)
    assert network.check(network.attest(leaver, head(5))).code == TransactionCode.OK
    network.empty_blocks(2)
    assert network.check(network.attest(leaver, head(6))).code == TransactionCode.UNKNOWN_SIGNER


def test_replay__of_a_transaction__no_effect() -> None:
    network = Network()
    one = network.validators[0]
    old, new = network.attest(one, head(5)), network.attest(one, head(6))
    network.block(old)
    network.block(new)
    before = network.app.committed.app_hash
    assert network.block(old, new).tx_results[0].code == TransactionCode.NONCE_USED
    assert network.app.committed.app_hash == before


# --- what enters a block ----------------------------------------------------------------------------------------------


def process(network: Network, *transactions: bytes) -> ProposalStatus:
    """Whether other nodes would vote for this block."""
    request = ProcessProposalRequest(transactions, 1, network.time_ms * 1_000_000, b"", key(1).address)
    return network.app.process_proposal(request).status


def test_prepare__everything_that_waits__gives_a_block_that_process_accepts() -> None:
    network = Network()
    network.report_heads(11)
    proposer, *others = [network.proposer, *network.everybody(network.proposer)]
    early = network.attest(proposer, head(12))
    proposal = network.transaction(proposer, network.proposal_message(0, 7))
    late = network.attest(proposer, head(13))
    waiting = [network.attest(validator, head(12)) for validator in others]
    chosen = network.prepare(b"junk", late, *waiting, early, proposal)
    assert set(chosen) == {proposal, late, *waiting}, "of two attestations of a signer the newer"
    assert chosen.index(proposal) < chosen.index(late), "a signer's nonces ascend"
    assert process(network, *chosen) is ProposalStatus.ACCEPT
    assert all(result.code == 0 for result in network.block(*chosen).tx_results)


def test_prepare__little_room__proposal_before_attestations() -> None:
    network = Network()
    network.report_heads(11)
    proposal = network.transaction(network.proposer, network.proposal_message(0, 7))
    attests = [network.attest(validator, head(12)) for validator in network.validators]
    assert network.prepare(*attests, proposal, bytes_max=len(proposal) + ENVELOPE_BYTES) == (proposal,)
    assert network.prepare(*attests[:1], proposal, bytes_max=len(proposal)) == (attests[0],)


def large_attest(network: Network, validator: Validator, size: int) -> bytes:
    """An attestation of about this size: bodies that nobody stands for."""
    l1 = Network().l1[0]
    steps = []
    while size > 0:
        steps += l1.mine(GENESIS_S, logs.unknown(data=bytes(min(size, 28_000))))
        size -= 28_000
    return network.attest(validator, steps=steps)


def test_large_attests__over_a_mebibyte__prepare_leaves_out_and_process_rejects() -> None:
    network = Network(stakes=[10] * 20)
    waiting = [large_attest(network, validator, 60_000) for validator in network.validators]
    assert sum(map(len, waiting)) > LARGE_ATTESTS_BYTES_MAX
    chosen = network.prepare(*waiting)
    assert LARGE_ATTESTS_BYTES_MAX - 61_000 < sum(map(len, chosen)) <= LARGE_ATTESTS_BYTES_MAX
    assert process(network, *chosen) is ProposalStatus.ACCEPT
    assert process(network, *waiting) is ProposalStatus.REJECT

    network.block(*chosen)
    left_out = [validator for validator, data in zip(network.validators, waiting, strict=True) if data not in chosen]
    again = [large_attest(network, validator, 60_000) for validator in network.validators]
    second = network.prepare(*again)
    for validator in left_out:
        assert again[validator.id - 1] in second, "who used the fewest bytes lately comes first"


def test_process__what_a_correct_proposer_avoids__rejected() -> None:
    network = Network()
    one = network.validators[0]
    first, second = network.attest(one, head(5)), network.attest(one, head(6))
    assert process(network, first) is ProposalStatus.ACCEPT
    assert process(network, first, second) is ProposalStatus.REJECT
    assert process(network, first, first) is ProposalStatus.REJECT
    assert process(network, b"junk") is ProposalStatus.REJECT
    assert process(network, first[:-65] + bytes(65)) is ProposalStatus.REJECT
    proposal = network.transaction(one, network.proposal_message(0, 7))
    assert process(network, second, proposal) is ProposalStatus.ACCEPT
    assert process(network, proposal, second) is ProposalStatus.REJECT
    assert process(network, *([b"x"] * (BLOCK_TRANSACTIONS_MAX + 1))) is ProposalStatus.REJECT
    assert process(network, bytes(BLOCK_BYTES_MAX + 1)) is ProposalStatus.REJECT


def test_process__many_small_attestations_over_four_mebibytes__rejected() -> None:
    network = Network()
    body = network.l1_block(logs.unknown(data=bytes(7_800)))
    small = [network.attest(Validator(ValidatorId(n), key(n)), steps=body) for n in range(1, 540)]
    assert len(small[0]) <= SMALL_ATTEST_BYTES
    most = BLOCK_BYTES_MAX // max(map(len, small))
    assert process(network, *small[:most]) is ProposalStatus.ACCEPT
    assert process(network, *small) is ProposalStatus.REJECT


def test_process__irrelevant_or_stale__accepted_because_relevance_is_not_its_business() -> None:
    network = Network()
    used = network.attest(network.validators[0], head(5))
    network.block(used)
    stranger = network.attest(Validator(network.validators[0].id, key(99)), head(5))
    assert process(network, used, stranger) is ProposalStatus.ACCEPT
    codes = [result.code for result in network.block(used, stranger).tx_results]
    assert codes == [TransactionCode.NONCE_USED, TransactionCode.UNKNOWN_SIGNER]


def test_opener__cache_full__forgets_the_oldest_and_answers_alike() -> None:
    network = Network()
    opener = TransactionOpener(genesis_hash(network.genesis), cache_bytes_max=400)
    transactions = [network.attest(validator, head(5)) for validator in network.validators]
    first = [opener.open(data) for data in transactions]
    assert [opener.open(data) for data in transactions] == first


# --- upgrades ---------------------------------------------------------------------------------------------------------


def vote(network: Network, upgrade: Upgrade, count: int) -> None:
    """The first `count` validators vote for an upgrade."""
    network.block(*(network.attest(validator, upgrade) for validator in network.validators[:count]))


def planned(network: Network) -> Upgrade | None:
    """The upgrade that is fixed."""
    return network.state.params.planned_upgrade


def test_upgrade__over_two_thirds_with_notice__fixed_and_a_node_without_it_stops_before_the_height() -> None:
    network = Network()
    upgrade = Upgrade(version=2, height=network.app.committed.height + 110, notes_digest=keccak256(b"notes"))
    vote(network, upgrade, 2)
    assert planned(network) is None
    vote(network, upgrade, 3)
    assert planned(network) == upgrade
    network.empty_blocks(upgrade.height - 1 - network.app.committed.height)
    with pytest.raises(UpgradeNeeded, match=f"version 2 is needed from height {upgrade.height}"):
        network.block()
    assert network.app.committed.height == upgrade.height - 1


def test_upgrade__at_its_height__a_program_with_it_goes_on_and_one_without_it_cannot_read_what_followed() -> None:
    network = Network()
    upgrade = Upgrade(version=2, height=network.app.committed.height + 110, notes_digest=keccak256(b"notes"))
    vote(network, upgrade, 3)
    network.empty_blocks(upgrade.height - 1 - network.app.committed.height)
    with pytest.raises(UpgradeNeeded):
        network.block()
    network.blocks.pop()
    network.app = Application(network.genesis, network.store, newest_version=2)
    network.twins = [Application(network.genesis, MemoryStateStore(), newest_version=2)]
    for request in network.blocks:
        network.twins[0].finalize_block(request)
        network.twins[0].commit()
    network.block()
    assert (network.state.params.version, planned(network)) == (2, None)
    network.checkpoint()
    assert network.app.info().app_version == 1, "the engine's chain is what it was"
    with pytest.raises(UpgradeNeeded, match="version 2"):
        Application(network.genesis, network.store)


def test_upgrade__too_little_notice__not_fixed() -> None:
    network = Network()
    vote(network, Upgrade(2, network.app.committed.height + 100, keccak256(b"notes")), 4)
    assert planned(network) is None


def test_senders__last_attestation__its_node_and_counter_are_kept() -> None:
    network = Network()
    one = network.validators[0]
    network.block(network.attest(one, head(5)))
    sender = next(sender for sender in network.state.senders if sender.address == one.key.address)
    assert (sender.nonce, sender.node_id, sender.counter) == (1, one.id.to_bytes(8), 1)
