"""Several root chains: each with its own feed, turns and proposer; one of them holds StakeManager."""

from dataclasses import replace

from bridge.codec.checkpoint import DataForm
from bridge.codec.types import ChainId, Hash32
from node.app.acknowledgements import HEADERS_MAX
from node.app.errors import TransactionCode
from node.app.execution import chain_order
from node.app.messages import Conflict
from node.app.proposals import digest_of
from node.app.state import Proposal
from tests.unit.app import logs
from tests.unit.app.network import ROOT, TOKEN, Network, key, root_of, with_parameters

SECOND = with_parameters(name="second", chain_id=ChainId(56), minimum_blocks=16, multiple_blocks=16)


def two_chains() -> Network:
    """A network with two root chains, both armed."""
    network = Network(root_chains=(ROOT, SECOND))
    network.report_heads(20)
    return network


def propose_on(network: Network, chain: int, end: int) -> int:
    """The chain's proposer proposes blocks 0 to `end`; the result's code."""
    message = replace(network.proposal_message(0, end), root_chain=chain, turn=network.state.turns[chain].number)
    sender = network.validator_of(network.state.priorities[chain].proposer)
    return network.block(network.transaction(sender, message)).tx_results[0].code


def current(network: Network, chain: int) -> Proposal:
    """The open proposal of a root chain."""
    found = network.state.proposals[chain].current
    assert found is not None
    return found


def test_proposals__on_two_chains__own_rules_and_different_bytes() -> None:
    network = two_chains()
    assert propose_on(network, 0, 7) == TransactionCode.OK
    assert propose_on(network, 1, 7) == TransactionCode.BAD_LENGTH
    assert propose_on(network, 1, 15) == TransactionCode.OK
    same_range = replace(current(network, 1), end=current(network, 0).end, root_hash=current(network, 0).root_hash)
    assert digest_of(ROOT, current(network, 0)) != digest_of(SECOND, same_range)


def test_verdicts__for_one_chain__count_for_nothing_on_the_other() -> None:
    network = two_chains()
    propose_on(network, 0, 15)
    propose_on(network, 1, 15)
    stolen = [replace(network.valid(v, current(network, 0)), root_chain=1) for v in network.validators]
    network.block(*(network.attest(v, s) for v, s in zip(network.validators, stolen, strict=True)))
    assert current(network, 1).verdicts == ()


def test_ack__on_the_chain_without_stake_manager__no_epoch_and_no_turn_elsewhere() -> None:
    network = two_chains()
    propose_on(network, 1, 15)
    network.block(*(network.attest(v, network.valid(v, current(network, 1))) for v in network.validators))
    landed = current(network, 1)
    before = network.turn
    network.l1_block(logs.new_header(landed.proposer, 10_000, 0, 15, landed.root_hash), chain=1)
    network.see_l1(chain=1)
    assert network.state.turns[1].acks == 1
    assert network.turn == before
    assert network.state.validators.epoch == 1


def test_staking_log__on_the_chain_without_stake_manager__unknown() -> None:
    network = two_chains()
    network.l1_block(logs.staked(key(5).address, 5, 50 * TOKEN, key(5).public), chain=1)
    network.see_l1(chain=1)
    assert len(network.state.validators.members) == 4
    assert network.state.feeds[1].alerted_logs == 1


def test_pause__of_one_chain__refuses_proposals_there_and_leaves_the_other_alone() -> None:
    network = two_chains()
    conflict = Conflict(1, 1, Hash32(b"\x01" * 32))
    network.block(*(network.attest(validator, conflict) for validator in network.validators))
    assert propose_on(network, 1, 15) == TransactionCode.ROOT_CHAIN_PAUSED
    assert propose_on(network, 0, 7) == TransactionCode.OK


def test_leaving_proposer__of_both_chains__ends_both_turns() -> None:
    network = two_chains()
    proposer = network.proposer
    assert network.state.priorities[1].proposer == proposer.key.address
    network.l1_block(logs.unstake_init(proposer.id, 2, 1))
    network.see_l1()
    assert [turn.number for turn in network.state.turns] == [2, 2]
    assert all(vector.proposer != proposer.key.address for vector in network.state.priorities)


def test_order__chain_with_stake_manager_first() -> None:
    state = two_chains().state
    assert chain_order(state) == (0, 1)
    assert chain_order(replace(state, params=replace(state.params, staking_root_chain=1))) == (1, 0)


def test_account_root__of_a_range_proposed_before_in_polygon_form__stays_the_first() -> None:
    """Signatures over the first bytes never expire, so a second set of bytes for the range must not come about."""
    network = Network(root_chains=(with_parameters(data_form=DataForm.POLYGON),))
    network.report_heads(11)
    first = network.proposer
    network.propose(0, 7)
    network.sign()
    for _ in range(4):
        network.say_quiet()
        network.block()
        if network.proposer is first:
            break
    assert network.proposer is first
    memory = network.state.proposals[0].account_roots
    assert [(kept.proposer, kept.start, kept.end, kept.root_hash) for kept in memory] == [
        (first.key.address, 0, 7, root_of(0, 7))
    ]
    wrong = replace(network.proposal_message(0, 7), account_root_hash=Hash32(b"\x01" * 32))
    response = network.block(network.transaction(first, wrong))
    assert response.tx_results[0].code == TransactionCode.WRONG_ACCOUNT_ROOT
    assert network.propose(0, 7) == TransactionCode.OK
    assert len(network.state.proposals[0].account_roots) == 1


def test_account_root__of_the_first_range_after_its_ack__kept_for_a_reset_to_block_zero() -> None:
    network = Network(root_chains=(with_parameters(data_form=DataForm.POLYGON),))
    starts = [network.checkpoint().start for _ in range(3)]
    assert [memory.start for memory in network.state.proposals[0].account_roots] == starts


def test_account_root__once_the_headers_up_to_its_range_are_forgotten__is_too() -> None:
    network = Network(root_chains=(with_parameters(data_form=DataForm.POLYGON),), header_id=50_000, end=399)
    proposed = network.checkpoint()
    headers = [
        logs.new_header(proposed.proposer, 70_000 + 10_000 * place, 408 + place, 408 + place, root_of(0, 7))
        for place in range(HEADERS_MAX)
    ]
    for first in range(0, HEADERS_MAX - 1, 51):
        network.l1_block(*headers[first : first + 51])
        network.see_l1()
    assert [memory.start for memory in network.state.proposals[0].account_roots] == [400]
    network.l1_block(headers[-1])
    network.see_l1()
    assert network.state.proposals[0].account_roots == ()


def test_proposal__for_a_root_chain_that_is_not_there__refused() -> None:
    network = two_chains()
    message = replace(network.proposal_message(0, 7), root_chain=2)
    response = network.block(network.transaction(network.proposer, message))
    assert response.tx_results[0].code == TransactionCode.UNKNOWN_ROOT_CHAIN
