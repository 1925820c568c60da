"""What holds at the end of every scenario, whatever went wrong in it."""

from typing import TYPE_CHECKING, cast

from bridge.codec.abi import decode_values, encode_call
from bridge.codec.events import NewHeaderBlock, decode_event
from bridge.codec.types import Address, Hash32
from node.app.state import WEI_PER_TOKEN
from node.devnet.bootstrap import ROOT

if TYPE_CHECKING:
    from tests.e2e.harness import Network


def check_invariants(network: "Network") -> None:
    """Fail unless all of them hold."""
    _all_agree(network)
    _one_success_per_header(network)
    _headers_form_one_chain(network)
    if not network.state.feeds[0].is_paused:  # else L1 is known to say something else
        _acks_are_what_the_contract_says(network)
        if network.options.staking_info is None:
            _powers_are_the_contract_s(network)
    _nothing_honest_was_refused(network)
    _no_duty_failed(network)


def _all_agree(network: "Network") -> None:
    """At every height, all that are there have the same app hash; and nobody stays behind but who is paused."""
    assert network.devnet.local_engine.halted is None
    hashes: dict[int, set[Hash32]] = {}
    for validator in network.validators:
        hashes.setdefault(validator.committed.height, set()).add(validator.committed.app_hash)
    assert all(len(found) == 1 for found in hashes.values()), hashes
    behind = [v.moniker for v in network.validators if v.committed.height < network.devnet.local_engine.height]
    assert all(network.status(i).paused for i, v in enumerate(network.validators) if v.moniker in behind), behind


def _headers(network: "Network") -> list[NewHeaderBlock]:
    """The headers that RootChain has logged on the canonical chain."""
    chain, root_chain = network.chain(ROOT), network.devnet.contracts.root.root_chain
    events = (
        decode_event(log)
        for number in range(network.devnet.genesis.root_chains[0].block_number, chain.head.number + 1)
        for receipt in chain.receipts(number)
        for log in receipt.logs
        if log.address == root_chain
    )
    return [event for event in events if isinstance(event, NewHeaderBlock)]


def _one_success_per_header(network: "Network") -> None:
    """Every header was put there once, by one successful transaction."""
    headers = _headers(network)
    assert len({header.header_id for header in headers}) == len(headers)
    assert sum(submission.succeeded for submission in network.submissions()) == len(headers)


def _headers_form_one_chain(network: "Network") -> None:
    """Ranges follow each other without gap or overlap, so no block has two roots."""
    next_start = 0
    for position, header in enumerate(_headers(network), start=1):
        assert (header.header_id, header.start) == (position * 10_000, next_start)
        next_start = header.end + 1


def _acks_are_what_the_contract_says(network: "Network") -> None:
    """As many acks as there are headers up to the cursor, and the next start after the last of them."""
    cursor = network.state.feeds[0].cursor.number
    root_chain = network.devnet.contracts.root.root_chain
    last_header = network.read_uint(root_chain, "currentHeaderBlock()", block=cursor)
    last_end = network.read_uint(root_chain, "getLastChildBlock()", block=cursor)
    assert network.turn.acks * 10_000 == last_header
    assert network.turn.next_start == (last_end + 1 if last_header else 0)


def _powers_are_the_contract_s(network: "Network") -> None:
    """The set of the application is the contract's at the cursor, and the engine's wanted set is that set."""
    state = network.state
    call = encode_call("validatorSet()")
    answer = network.chain(ROOT).call(
        network.devnet.contracts.root.stake_manager, call, None, state.feeds[0].cursor.number
    )
    signers, powers = decode_values(("address[]", "uint256[]"), answer)
    on_l1 = dict(zip(cast(tuple[Address, ...], signers), cast(tuple[int, ...], powers), strict=True))
    assert {member.signer: member.stake_wei // WEI_PER_TOKEN for member in state.validators.members} == on_l1
    assert {member.signer: member.power for member in state.validators.tally_set} == on_l1
    assert {member.signer: member.power for member in state.engine_set.members} == on_l1


def _nothing_honest_was_refused(network: "Network") -> None:
    """Nobody sends what the rules refuse, but who was made to."""
    for index in range(len(network.validators)):
        if network.options.proposal_maker(index) is None:
            assert network.codes(index) == set(), network.validators[index].moniker


def _no_duty_failed(network: "Network") -> None:
    """Trouble is a value; an exception that reached a supervisor is a bug."""
    failed = [(v.moniker, duty) for v in network.validators for duty in v.status().duties if duty.failures]
    assert not failed
