"""Signatures under a checkpoint: who may sign, in which order and form, and how much stake is enough."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.codec.abi import encode_call
from bridge.codec.checkpoint import DataForm
from bridge.codec.secp256k1 import ORDER, sign
from bridge.codec.types import Address, Signature
from contracts.deployment import DeploymentStep
from tests.contracts.conftest import NetworkFactory
from tests.contracts.harness import STRANGER, SUBMITTER, VALIDATORS, Account, invoke
from tests.contracts.network import DEVNET_STAKES, TOKEN, Network, SignedData

Triple = tuple[int, int, int]
NON_MAJORITY = "2/3+1 non-majority!"


def triple(signature: Signature) -> Triple:
    return (int.from_bytes(signature[:32]), int.from_bytes(signature[32:64]), signature[64])


def submit_raw(network: Network, prepared: SignedData, triples: Sequence[Triple]) -> DeploymentStep:
    """A submission with signature words that no client of ours would write."""
    data = encode_call("submitCheckpoint(bytes,uint256[3][])", prepared.data, triples)
    return DeploymentStep("submit", network.contracts.root_chain, data)


def signed_by(prepared: SignedData, signers: Sequence[Account]) -> list[Triple]:
    return [triple(sign(prepared.digest, signer.private_key)) for signer in signers]


def ascending(signers: Sequence[Account]) -> list[Account]:
    return sorted(signers, key=lambda signer: signer.address)


def test_check_signatures__from_anybody_but_the_root_chain__is_refused(bound: Network) -> None:
    signature = "checkSignatures(uint256,bytes32,bytes32,address,uint256[3][])"
    call = invoke(bound.contracts.stake_manager, signature, 1, bytes(32), bytes(32), Address(bytes(20)), ())
    assert call.data[:4].hex() == "2fa9d18b"
    assert bound.chain.refusal(STRANGER, call) == "OnlyRootChain"


def test_submit_checkpoint__no_signatures__is_refused(bound: Network) -> None:
    assert bound.refusal(bound.checkpoint(), signers=[]) == NON_MAJORITY


def test_submit_checkpoint__no_validators__is_refused(make_network: NetworkFactory) -> None:
    network = make_network(DataForm.BOUND, ())
    nobody = replace(network.checkpoint(proposer=STRANGER))
    assert network.refusal(nobody, signers=[]) == "ProposerNotAValidator"
    assert network.refusal(nobody, signers=[STRANGER]) == "UnknownSigner"


@pytest.mark.parametrize(
    ("stakes", "signers", "enough"),
    [
        ((1, 1, 1), 2, False),
        ((1, 1, 1), 3, True),
        ((2, 2, 2, 1), 2, False),
        ((2, 2, 2, 1), 3, True),
        ((200, 100), 1, False),
        ((201, 100), 1, True),
        ((1,), 1, True),
    ],
)
def test_submit_checkpoint__around_two_thirds__needs_more(
    make_network: NetworkFactory, stakes: tuple[int, ...], signers: int, enough: bool
) -> None:
    network = make_network(DataForm.BOUND, [stake * TOKEN for stake in stakes])
    step = network.submission(network.prepare(network.checkpoint()), network.validators[:signers])
    if enough:
        network.chain.send(SUBMITTER, step)
    else:
        assert network.chain.refusal(SUBMITTER, step) == NON_MAJORITY


def test_submit_checkpoint__parts_of_tokens__do_not_count(make_network: NetworkFactory) -> None:
    """In wei the first two would be far over two thirds; in whole tokens they are 2 of 3, which is not enough."""
    stakes = (2 * TOKEN - 1, 2 * TOKEN - 1, TOKEN)
    network = make_network(DataForm.BOUND, stakes)
    assert network.refusal(network.checkpoint(), network.validators[:2]) == NON_MAJORITY
    network.submit(signers=network.validators)


@pytest.mark.parametrize("order", [(1, 0, 2, 3), (0, 1, 3, 2), (3, 2, 1, 0), (0, 0, 1, 2, 3), (0, 1, 2, 3, 3)])
def test_submit_checkpoint__signers_not_strictly_ascending__is_refused(bound: Network, order: tuple[int, ...]) -> None:
    """Polygon's contract stops counting there, or skips a repeated one; here the whole submission is refused."""
    prepared = bound.prepare(bound.checkpoint())
    signers = [ascending(bound.validators)[place] for place in order]
    step = submit_raw(bound, prepared, signed_by(prepared, signers))
    assert bound.chain.refusal(SUBMITTER, step) == "SignaturesNotAscending"


def test_submit_checkpoint__a_stranger_among_the_signers__is_refused(bound: Network) -> None:
    assert bound.refusal(bound.checkpoint(), [*bound.validators, STRANGER]) == "UnknownSigner"


def test_submit_checkpoint__proposer_is_no_validator__is_refused(bound: Network) -> None:
    assert bound.refusal(bound.checkpoint(proposer=STRANGER)) == "ProposerNotAValidator"


def test_submit_checkpoint__proposer_has_not_signed__is_accepted(bound: Network) -> None:
    bound.submit(bound.checkpoint(proposer=bound.validators[3]), signers=bound.validators[:3])


@pytest.mark.parametrize("change", [lambda v: v - 27, lambda v: v | 1 << 8, lambda v: v | 1 << 255, lambda _: 29])
def test_submit_checkpoint__v_not_exactly_27_or_28__is_refused(bound: Network, change: Callable[[int], int]) -> None:
    """Polygon's contract reads the low byte only, and takes 0 and 1 as well."""
    prepared = bound.prepare(bound.checkpoint())
    first, *others = signed_by(prepared, ascending(bound.validators))
    step = submit_raw(bound, prepared, [(first[0], first[1], change(first[2])), *others])
    assert bound.chain.refusal(SUBMITTER, step) == "MalformedV"


def test_submit_checkpoint__high_s__is_refused(bound: Network) -> None:
    """The other signature of the same signer: it recovers to him, and would let anybody alter a transaction."""
    prepared = bound.prepare(bound.checkpoint())
    (r, s, v), *others = signed_by(prepared, ascending(bound.validators))
    step = submit_raw(bound, prepared, [(r, ORDER - s, 55 - v), *others])
    assert bound.chain.refusal(SUBMITTER, step) == "ECDSAInvalidSignatureS"


@pytest.mark.parametrize("zeroed", [0, 1])
def test_submit_checkpoint__recovers_to_zero__is_refused(bound: Network, zeroed: int) -> None:
    prepared = bound.prepare(bound.checkpoint())
    (r, s, v), *others = signed_by(prepared, ascending(bound.validators))
    step = submit_raw(bound, prepared, [(0 if zeroed == 0 else r, 0 if zeroed == 1 else s, v), *others])
    assert bound.chain.refusal(SUBMITTER, step) == "ECDSAInvalidSignature"


def accepts(signers: Sequence[Account], stakes_wei: dict[Address, int]) -> bool:
    """The rule: validators only, strictly ascending, floor(2/3 of all whole tokens) + 1 at least."""
    addresses = [signer.address for signer in signers]
    if any(later <= earlier for earlier, later in pairwise(addresses)):
        return False
    if any(address not in stakes_wei for address in addresses):
        return False
    power = {address: stake // TOKEN for address, stake in stakes_wei.items()}
    return sum(power[address] for address in addresses) >= sum(power.values()) * 2 // 3 + 1


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_submit_checkpoint__any_list_of_signers__is_judged_by_the_rule(bound: Network, data: st.DataObject) -> None:
    """Mostly sorted lists of validators, so that both outcomes are common; now and then a stranger or a wrong order."""
    pool = [*bound.validators, STRANGER, VALIDATORS[7]]
    signers = data.draw(st.lists(st.sampled_from(pool[: data.draw(st.sampled_from((4, 4, 6)))]), max_size=6))
    if data.draw(st.booleans()):
        signers = ascending(list(dict.fromkeys(signers)))
    prepared = bound.prepare(bound.checkpoint())
    step = submit_raw(bound, prepared, signed_by(prepared, signers))
    stakes = dict(zip((validator.address for validator in bound.validators), DEVNET_STAKES, strict=True))
    if accepts(signers, stakes):
        assert step.to is not None
        bound.chain.embedded.call(step.to, step.data, sender=SUBMITTER.address)
    else:
        assert bound.chain.refusal(SUBMITTER, step)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(signer=st.integers(0, 3), word=st.integers(0, 2), bit=st.integers(0, 255))
def test_submit_checkpoint__any_flipped_bit_of_a_signature__is_refused(
    bound: Network, signer: int, word: int, bit: int
) -> None:
    prepared = bound.prepare(bound.checkpoint())
    triples = [list(each) for each in signed_by(prepared, ascending(bound.validators))]
    triples[signer][word] ^= 1 << bit
    step = submit_raw(bound, prepared, [(r, s, v) for r, s, v in triples])
    assert bound.chain.refusal(SUBMITTER, step)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, 255), bit=st.integers(0, 7))
def test_submit_checkpoint__any_flipped_bit_of_the_data__is_refused(bound: Network, position: int, bit: int) -> None:
    prepared = bound.prepare(bound.checkpoint())
    changed = bytearray(prepared.data)
    changed[position] ^= 1 << bit
    step = submit_raw(
        bound, SignedData(bytes(changed), prepared.digest), signed_by(prepared, ascending(bound.validators))
    )
    bound.chain.refusal(SUBMITTER, step)
