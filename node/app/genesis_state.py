"""The state before the first block, from the genesis."""

from bridge.codec.feed import DONE_INDEX, Cursor, genesis_digest
from bridge.codec.mmr import MountainRange
from node.app.carried import decode_carried
from node.app.engine_set import engine_members
from node.app.genesis import Genesis, GenesisValidator, RootChainGenesis, genesis_hash
from node.app.proposers import new_vector
from node.app.staking import is_usable_key, tally_members
from node.app.state import (
    EngineSetSection,
    Feed,
    HeaderSpan,
    ParametersSection,
    ProposalBook,
    Sender,
    State,
    Turn,
    ValidatorRecord,
    ValidatorsSection,
)
from node.app.versions import FIRST_VERSION

FIRST_GENERATION = 1
FIRST_STEP = 1


def genesis_state(genesis: Genesis) -> State:
    """The state that every node starts from; the genesis must be a checked one."""
    members = tuple(_record(validator) for validator in genesis.validators)
    validators = ValidatorsSection(genesis.epoch, members, (), tally_members(members), is_frozen=False)
    feeds = tuple(_feed(chain, root_chain) for chain, root_chain in enumerate(genesis.root_chains))
    turns = tuple(_turn(root_chain) for root_chain in genesis.root_chains)
    proposals = tuple(ProposalBook(root_chain.account_root, None, (), None, ()) for root_chain in genesis.root_chains)
    carried = decode_carried(genesis.carried)
    if carried is not None:
        validators, feeds, turns, proposals = carried.validators, carried.feeds, carried.turns, carried.proposals
    tally_set = validators.tally_set
    signers = {member.signer for member in validators.members} | {member.signer for member in tally_set}
    return State(
        params=ParametersSection(
            genesis_hash=genesis_hash(genesis),
            genesis_time_s=genesis.time_s,
            staking_root_chain=genesis.staking_root_chain,
            network=genesis.parameters,
            root_chains=tuple(root_chain.parameters for root_chain in genesis.root_chains),
            version=FIRST_VERSION,
            planned_upgrade=None,
        ),
        validators=validators,
        engine_set=EngineSetSection(engine_members(tally_set), is_frozen=False),
        priorities=tuple(new_vector(tally_set) for _ in genesis.root_chains),
        feeds=feeds,
        tallies=(),
        turns=turns,
        proposals=proposals,
        senders=tuple(Sender(signer, nonce=0, node_id=b"", counter=0) for signer in sorted(signers)),
        checkpoint_log=MountainRange(),
        evidence_log=MountainRange(),
        record_log=MountainRange(),
    )


def _record(validator: GenesisValidator) -> ValidatorRecord:
    return ValidatorRecord(
        id=validator.id,
        signer=validator.signer,
        public_key=validator.public_key,
        stake_wei=validator.stake_wei,
        nonce=validator.nonce,
        activation_epoch=validator.activation_epoch,
        deactivation_epoch=validator.deactivation_epoch,
        has_usable_key=is_usable_key(validator.public_key, validator.signer),
    )


def _feed(chain: int, root_chain: RootChainGenesis) -> Feed:
    number, block_hash = root_chain.block_number, root_chain.block_hash
    return Feed(
        generation=FIRST_GENERATION,
        filter=root_chain.filter,
        step_number=FIRST_STEP,
        digest=genesis_digest(chain, FIRST_GENERATION, number, block_hash),
        cursor=Cursor(number, block_hash, DONE_INDEX),
        latest_time=root_chain.block_time,
        applied=(),
        bodies=(),
        reanchor_bodies=(),
        is_paused=False,
        reanchor_differs=False,
        contested=None,
        body_missing_blocks=0,
        alerted_logs=0,
        last_alert=None,
        contract_changed_block=None,
    )


def _turn(root_chain: RootChainGenesis) -> Turn:
    headers = (HeaderSpan(root_chain.last_header_id, root_chain.last_end),) if root_chain.last_header_id else ()
    return Turn(
        number=1,
        deadline=None,
        wait_blocks=0,
        head_limit=None,
        rejections=0,
        no_acks_backed=0,
        no_acks_other=0,
        next_start=root_chain.next_start,
        next_header_id=root_chain.next_header_id,
        headers=headers,
        last_ack_s=None,
        last_no_ack_s=None,
        acks=0,
        no_acks=0,
    )
