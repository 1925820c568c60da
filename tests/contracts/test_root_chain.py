"""RootChain: what it accepts in either data form, what it remembers of it, and how the owner takes headers back."""

from dataclasses import replace

import pytest

from bridge.codec.checkpoint import HEADER_ID_STEP, Checkpoint, CheckpointBinding, DataForm
from bridge.codec.events import NewHeaderBlock, ResetHeaderBlock, decode_event
from bridge.codec.hash import keccak256
from bridge.codec.types import ZERO_ADDRESS, ZERO_HASH, Address, BlockNumber, ChainId, Hash32, UnixSeconds
from contracts.deployment import DeploymentStep
from tests.contracts.harness import DEPLOYER, STRANGER, SUBMITTER, Mined, account, invoke
from tests.contracts.network import BLOCKS, ROOT_CHAIN_ID, SIDE_CHAIN_ID, Network, SignedData

NO_HEADER = (ZERO_HASH, 0, 0, 0, ZERO_ADDRESS)
HEADER_TYPES = ("bytes32", "uint256", "uint256", "uint256", "address")


def header_blocks(network: Network, header_id: int) -> tuple[object, ...]:
    return network.chain.view(network.contracts.root_chain, "headerBlocks(uint256)", HEADER_TYPES, header_id)


def remembered(checkpoint: Checkpoint, mined: Mined) -> tuple[object, ...]:
    return (checkpoint.root_hash, checkpoint.start, checkpoint.end, mined.header.timestamp, checkpoint.proposer)


def test_root_chain__as_deployed__starts_empty(either: Network) -> None:
    chain, root_chain = either.chain, either.contracts.root_chain
    assert chain.number(root_chain, "currentHeaderBlock()") == 0
    assert chain.number(root_chain, "_nextHeaderBlock()") == HEADER_ID_STEP
    assert chain.number(root_chain, "getLastChildBlock()") == 0
    assert chain.number(root_chain, "CHAINID()") == SIDE_CHAIN_ID
    assert chain.number(root_chain, "DATA_FORM()") == either.form
    assert chain.address(root_chain, "stakeManager()") == either.contracts.stake_manager
    assert header_blocks(either, HEADER_ID_STEP) == NO_HEADER


def test_submit_checkpoint__signed_by_all__emits_and_remembers_it(either: Network) -> None:
    checkpoint = either.checkpoint()
    mined = either.submit(checkpoint)

    (log,) = mined.logs
    assert log.address == either.contracts.root_chain
    assert decode_event(log) == NewHeaderBlock(
        checkpoint.proposer, HEADER_ID_STEP, 0, checkpoint.start, checkpoint.end, checkpoint.root_hash
    )
    assert header_blocks(either, HEADER_ID_STEP) == remembered(checkpoint, mined)
    chain, root_chain = either.chain, either.contracts.root_chain
    assert chain.number(root_chain, "currentHeaderBlock()") == HEADER_ID_STEP
    assert chain.number(root_chain, "_nextHeaderBlock()") == 2 * HEADER_ID_STEP
    assert chain.number(root_chain, "getLastChildBlock()") == checkpoint.end


def test_header_blocks__of_seven_checkpoints__are_exact(bound: Network) -> None:
    """Three headers share a slot: seven fill two and begin a third."""
    expected = []
    for number in range(7):
        checkpoint = bound.checkpoint(blocks=number + 1, proposer=bound.validators[number % 4])
        expected.append(remembered(checkpoint, bound.submit(checkpoint)))
    assert [header_blocks(bound, (number + 1) * HEADER_ID_STEP) for number in range(7)] == expected


@pytest.mark.parametrize("header_id", [0, 1, HEADER_ID_STEP + 1, 2 * HEADER_ID_STEP, 2**256 - 1])
def test_header_blocks__of_an_id_without_header__are_zero(bound: Network, header_id: int) -> None:
    bound.submit()
    assert header_blocks(bound, header_id) == NO_HEADER


def test_submit_checkpoint__any_sender__is_accepted(bound: Network) -> None:
    bound.chain.send(STRANGER, bound.submission(bound.prepare(bound.checkpoint())))


def test_submit_checkpoint__same_again__is_refused(either: Network) -> None:
    step = either.submission(either.prepare(either.checkpoint()))
    either.chain.send(SUBMITTER, step)
    refusal = either.chain.refusal(SUBMITTER, step)
    assert refusal == {DataForm.POLYGON: "INCORRECT_HEADER_DATA", DataForm.BOUND: "WrongHeaderId"}[either.form]


@pytest.mark.parametrize("shift", [-1, 1])
def test_submit_checkpoint__gap_or_overlap__is_refused(either: Network, shift: int) -> None:
    either.submit()
    checkpoint = either.checkpoint()
    shifted = replace(checkpoint, start=BlockNumber(checkpoint.start + shift))
    assert either.refusal(shifted) == "INCORRECT_HEADER_DATA"


def test_submit_checkpoint__first_not_from_block_zero__is_refused(either: Network) -> None:
    assert either.refusal(replace(either.checkpoint(), start=BlockNumber(1))) == "INCORRECT_HEADER_DATA"


def test_submit_checkpoint__end_before_start__is_refused(either: Network) -> None:
    either.submit()
    checkpoint = either.checkpoint()
    backwards = replace(checkpoint, end=BlockNumber(checkpoint.start - 1))
    assert either.refusal(backwards) == "INCORRECT_HEADER_DATA"


def test_submit_checkpoint__one_block__is_accepted(either: Network) -> None:
    either.submit(either.checkpoint(blocks=1))
    assert either.chain.number(either.contracts.root_chain, "getLastChildBlock()") == 0
    assert either.checkpoint().start == 1


def test_submit_checkpoint__end_at_the_storage_limit__is_the_last_accepted(bound: Network) -> None:
    assert bound.refusal(bound.checkpoint(blocks=2**32 + 1)) == "SafeCastOverflowedUintDowncast"
    checkpoint = bound.checkpoint(blocks=2**32)
    assert header_blocks(bound, HEADER_ID_STEP) == NO_HEADER
    mined = bound.submit(checkpoint)
    assert header_blocks(bound, HEADER_ID_STEP) == remembered(checkpoint, mined)


def test_submit_checkpoint__of_another_side_chain__is_refused(either: Network) -> None:
    other = replace(either.checkpoint(), side_chain_id=ChainId(SIDE_CHAIN_ID + 1))
    assert either.refusal(other) == "Invalid bor chain id"


@pytest.mark.parametrize("change", ["cut", "tail", "word", "empty"])
def test_submit_checkpoint__data_of_another_length__is_refused(either: Network, change: str) -> None:
    """Polygon's contract ignores what follows its six words; signed or not, ours takes the exact length."""
    prepared = either.prepare(either.checkpoint())
    data = {
        "cut": prepared.data[:-1],
        "tail": prepared.data + b"\x00",
        "word": prepared.data + bytes(32),
        "empty": b"",
    }[change]
    assert _refusal_of_data(either, data, keccak256(b"\x01" + data)) == "WrongDataLength"


def test_submit_checkpoint__proposer_word_with_high_bytes__is_refused(either: Network) -> None:
    prepared = either.prepare(either.checkpoint())
    data = b"\x01" + prepared.data[1:]
    assert _refusal_of_data(either, data, keccak256(b"\x01" + data)) == ""


@pytest.mark.parametrize("prefix", [b"", b"\x00", b"\x02"])
def test_submit_checkpoint__polygon_form_signed_as_another_vote__is_refused(polygon: Network, prefix: bytes) -> None:
    data = polygon.prepare(polygon.checkpoint()).data
    assert _refusal_of_data(polygon, data, keccak256(prefix + data)) == "UnknownSigner"


def _refusal_of_data(network: Network, data: bytes, digest: Hash32) -> str:
    return network.chain.refusal(SUBMITTER, network.submission(SignedData(data, digest)))


def _refusal_when_bound(network: Network, binding: CheckpointBinding) -> str:
    return network.chain.refusal(SUBMITTER, network.submission(network.prepare(network.checkpoint(), binding)))


def test_submit_checkpoint__bound_to_another_chain_or_contract__is_refused(bound: Network) -> None:
    """The data are right, but what was signed is another digest: the signatures are of nobody."""
    binding = bound.binding()
    other_chain = replace(binding, root_chain_id=ChainId(ROOT_CHAIN_ID + 1))
    other_contract = replace(binding, root_chain_address=Address(b"\x11" * 20))
    assert _refusal_when_bound(bound, other_chain) == "UnknownSigner"
    assert _refusal_when_bound(bound, other_contract) == "UnknownSigner"


@pytest.mark.parametrize("header_id", [0, HEADER_ID_STEP - 1, 2 * HEADER_ID_STEP])
def test_submit_checkpoint__bound_to_another_header_id__is_refused(bound: Network, header_id: int) -> None:
    assert _refusal_when_bound(bound, replace(bound.binding(), header_id=header_id)) == "WrongHeaderId"


def test_submit_checkpoint__at_its_deadline__is_accepted_and_later_refused(bound: Network) -> None:
    now_s = int(bound.chain.clock.now())
    head_time_s = bound.chain.embedded.head.timestamp
    expired = replace(bound.binding(), valid_until=UnixSeconds(head_time_s - 1))
    assert _refusal_when_bound(bound, expired) == "CheckpointExpired"
    at_deadline = replace(bound.binding(), valid_until=UnixSeconds(now_s + 1))
    step = bound.submission(bound.prepare(bound.checkpoint(), at_deadline))
    assert bound.chain.send(SUBMITTER, step).header.timestamp == now_s + 1


def test_submit_checkpoint__account_root__is_kept_by_the_stake_manager(either: Network) -> None:
    account_root = keccak256(b"accounts")
    either.submit(replace(either.checkpoint(), account_root_hash=account_root))
    assert either.chain.view(either.contracts.stake_manager, "accountStateRoot()", ("bytes32",)) == (account_root,)


def test_submit_checkpoint__each__ends_an_epoch(bound: Network) -> None:
    assert bound.chain.number(bound.contracts.stake_manager, "currentEpoch()") == 1
    for epoch in (2, 3):
        bound.submit()
        assert bound.chain.number(bound.contracts.stake_manager, "currentEpoch()") == epoch
        assert bound.chain.number(bound.contracts.stake_manager, "epoch()") == epoch


def reset_to(network: Network, header_id: int) -> DeploymentStep:
    return invoke(network.contracts.root_chain, "setNextHeaderBlock(uint256)", header_id)


@pytest.mark.parametrize("kept", [0, 1, 2, 3, 4])
def test_set_next_header_block__of_four_headers__keeps_those_before_it(bound: Network, kept: int) -> None:
    headers = []
    for _ in range(4):
        checkpoint = bound.checkpoint()
        headers.append(remembered(checkpoint, bound.submit(checkpoint)))
    next_id = (kept + 1) * HEADER_ID_STEP

    mined = bound.chain.send(DEPLOYER, reset_to(bound, next_id))

    (log,) = mined.logs
    assert decode_event(log) == ResetHeaderBlock(DEPLOYER.address, next_id)
    found = [header_blocks(bound, number * HEADER_ID_STEP) for number in range(1, 5)]
    assert found == headers[:kept] + [NO_HEADER] * (4 - kept)
    checkpoint = bound.checkpoint(blocks=3, proposer=bound.validators[3])
    assert checkpoint.start == kept * BLOCKS
    assert header_blocks(bound, next_id) == NO_HEADER
    again = remembered(checkpoint, bound.submit(checkpoint))
    assert header_blocks(bound, next_id) == again
    assert header_blocks(bound, next_id + HEADER_ID_STEP) == NO_HEADER


@pytest.mark.parametrize("header_id", [0, 1, HEADER_ID_STEP + 1, 3 * HEADER_ID_STEP, 2**256 - 1])
def test_set_next_header_block__zero_between_or_ahead__is_refused(bound: Network, header_id: int) -> None:
    bound.submit()
    assert bound.chain.refusal(DEPLOYER, reset_to(bound, header_id)) == "Invalid value"


def test_set_next_header_block__by_a_stranger__is_refused(bound: Network) -> None:
    bound.submit()
    assert bound.chain.refusal(STRANGER, reset_to(bound, HEADER_ID_STEP)) == "OwnableUnauthorizedAccount"


def test_header_blocks__after_its_proposer_changed_signer__names_the_signer_of_then(bound: Network) -> None:
    bound.submit()
    checkpoint = bound.checkpoint(proposer=bound.validators[2])
    mined = bound.submit(checkpoint)
    update = invoke(
        bound.contracts.stake_manager, "updateSigner(uint256,bytes)", 3, account("another signer").public_key
    )
    bound.chain.send(bound.validators[2], update)
    assert header_blocks(bound, 2 * HEADER_ID_STEP) == remembered(checkpoint, mined)
