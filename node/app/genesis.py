"""Genesis: where a network starts, agreed on by everybody before its first block.

It names, per root chain, a confirmed block and the state of the contracts after all that block's logs; the feed starts
at its end. Its hash is the EIP-712 salt of every transaction, so nothing said on one network counts on another. Nobody
signs it: each node checks it over its own RPC, and compares the hash.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from bridge.codec import secp256k1
from bridge.codec.checkpoint import HEADER_ID_STEP, DataForm
from bridge.codec.feed import FilterEntry
from bridge.codec.hash import keccak256
from bridge.codec.types import Address, BlockNumber, Hash32, PublicKey, UnixSeconds, ValidatorId, Wei
from node.app import canonical
from node.app.carried import CarriedSection, decode_carried
from node.app.errors import GenesisError
from node.app.parameters import Parameters, RootChainParameters, least_no_ack_buffer_s
from node.app.proposers import TOTAL_POWER_MAX
from node.app.state import WEI_PER_TOKEN

ROOT_CHAINS_MAX = 10
VALIDATORS_MAX = 1_000
ENGINE_CHAIN_ID_MAX = 50

_Ordered = TypeVar("_Ordered", int, tuple[Address, Hash32])


@dataclass(frozen=True, slots=True)
class GenesisValidator:
    """A validator as StakeManager has it at the genesis block; the contract keeps only the signer, not the key."""

    id: ValidatorId
    signer: Address
    public_key: PublicKey
    stake_wei: Wei
    """Own stake and delegation, as the contract weighs it."""
    nonce: int
    """The last nonce that StakingInfo logged for this validator."""
    activation_epoch: int
    deactivation_epoch: int
    """0, or the epoch at which the validator leaves."""


@dataclass(frozen=True, slots=True)
class RootChainGenesis:
    """A root chain's contracts after all logs of one confirmed block."""

    parameters: RootChainParameters
    filter: tuple[FilterEntry, ...]
    block_number: BlockNumber
    block_hash: Hash32
    block_time: UnixSeconds
    last_header_id: int
    """RootChain.currentHeaderBlock(); 0 if there is no checkpoint yet."""
    last_end: BlockNumber
    """RootChain.getLastChildBlock(); means nothing if there is no checkpoint yet."""
    next_header_id: int
    """RootChain._nextHeaderBlock(), a multiple of 10,000."""
    account_root: Hash32
    """StakeManager.accountStateRoot()."""
    state_id: int
    """The last state id of StateSender."""

    @property
    def next_start(self) -> BlockNumber:
        """The first block of the next checkpoint: 0 only if there is none yet."""
        return BlockNumber(self.last_end + 1 if self.last_header_id else 0)


@dataclass(frozen=True, slots=True)
class Genesis:
    """All that a network starts from. Make it by `checked`, which refuses what would not work."""

    name: str
    """The network's name, and CometBFT's chain id: 1 to 50 characters."""
    time_s: UnixSeconds
    """The time of the first engine block."""
    epoch: int
    """StakeManager.currentEpoch() at the block of the root chain that holds it."""
    staking_root_chain: int
    """Index of the root chain that holds StakeManager."""
    parameters: Parameters
    validators: tuple[GenesisValidator, ...]
    """Ascending by id."""
    root_chains: tuple[RootChainGenesis, ...]
    parent: bytes
    """Empty, or what the network was forked from: genesis hash ‖ app hash."""
    carried: tuple[CarriedSection, ...] = ()
    """Of a fork: what it goes on from, in sections of the state that agree with all of the above."""

    def checked(self) -> "Genesis":
        """This genesis, if a network can start from it. Raises GenesisError that names the field."""
        _check_network(self)
        _check_validators(self.validators)
        for index, root_chain in enumerate(self.root_chains):
            _check_root_chain(self, index, root_chain)
        _check_signed_bytes_differ(self.root_chains)
        _check_carried(self)
        return self


def encode_genesis(genesis: Genesis) -> bytes:
    """The canonical encoding, which `genesis_hash` is over."""
    return canonical.encode(genesis)


@lru_cache(maxsize=16)
def genesis_hash(genesis: Genesis) -> Hash32:
    """keccak256 of the canonical encoding: what tells networks apart."""
    return keccak256(encode_genesis(genesis))


def decode_genesis(data: bytes) -> Genesis:
    """The genesis of its encoding. Raises EncodingError or GenesisError."""
    return canonical.decode(Genesis, data).checked()


def _require(holds: bool, field: str, rule: str) -> None:
    if not holds:
        raise GenesisError(f"genesis {field}: {rule}")


def _check_network(genesis: Genesis) -> None:
    _require(1 <= len(genesis.name) <= ENGINE_CHAIN_ID_MAX, "name", f"1 to {ENGINE_CHAIN_ID_MAX} characters are needed")
    _require(len(genesis.parent) in (0, 64), "parent", "must be empty, or 64 bytes")
    count = len(genesis.root_chains)
    _require(1 <= count <= ROOT_CHAINS_MAX, "root_chains", f"1 to {ROOT_CHAINS_MAX} are needed, got {count}")
    _require(genesis.staking_root_chain < count, "staking_root_chain", f"must be below {count}")
    network = genesis.parameters
    for name in ("side_chain_id", "pulse_s", "engine_block_ms", "head_report_interval_s", "side_block_time_s"):
        _require(getattr(network, name) >= 1, f"parameters.{name}", "must be at least 1")
    names = [root_chain.parameters.name for root_chain in genesis.root_chains]
    _require(len(set(names)) == count and all(names), "root_chains.name", "names must be given, and differ")


def _check_validators(validators: tuple[GenesisValidator, ...]) -> None:
    count = len(validators)
    _require(1 <= count <= VALIDATORS_MAX, "validators", f"1 to {VALIDATORS_MAX} are needed, got {count}")
    _require(_ascends(validator.id for validator in validators), "validators.id", "must ascend")
    _require(len({validator.signer for validator in validators}) == count, "validators.signer", "must differ")
    for validator in validators:
        is_key = secp256k1.address_of(validator.public_key) == validator.signer
        _require(is_key, f"validators.public_key of {validator.id}", "does not hash to the signer")
        _require(secp256k1.is_on_curve(validator.public_key), f"validators.public_key of {validator.id}", "is no point")
    power = sum(validator.stake_wei // WEI_PER_TOKEN for validator in validators)
    _require(power >= 1, "validators.stake_wei", "nobody has a whole token, so nobody has power")
    _require(power <= TOTAL_POWER_MAX, "validators.stake_wei", f"more than {TOTAL_POWER_MAX} tokens together")


def _check_root_chain(genesis: Genesis, index: int, root_chain: RootChainGenesis) -> None:
    parameters, field = root_chain.parameters, f"root_chains[{index}]"
    for name in (
        "chain_id",
        "minimum_blocks",
        "multiple_blocks",
        "block_time_s",
        "submission_ranks",
        "feed_anchor_blocks",
    ):
        _require(getattr(parameters, name) >= 1, f"{field}.{name}", "must be at least 1")
    multiple = parameters.multiple_blocks
    _require(parameters.minimum_blocks % multiple == 0, f"{field}.minimum_blocks", f"must be a multiple of {multiple}")
    _require(parameters.maximum_blocks % multiple == 0, f"{field}.maximum_blocks", f"must be a multiple of {multiple}")
    _require(
        parameters.minimum_blocks <= parameters.maximum_blocks <= 2**15,
        f"{field}.maximum_blocks",
        "must be at least minimum_blocks and at most 32,768",
    )
    _require(parameters.force_after_s >= parameters.interval_s, f"{field}.force_after_s", "must be at least interval_s")
    _require(parameters.no_ack_growth_cap <= 16, f"{field}.no_ack_growth_cap", "must be at most 16")
    least_s = least_no_ack_buffer_s(genesis.parameters, parameters, len(genesis.validators))
    _require(
        parameters.no_ack_buffer_s >= least_s,
        f"{field}.no_ack_buffer_s",
        f"must be at least {least_s}: pulse, three engine blocks, grace window, each rank's delay and inclusion",
    )
    _require(root_chain.next_header_id % HEADER_ID_STEP == 0, f"{field}.next_header_id", "must be a multiple of 10,000")
    entries = [(entry.address, entry.topic0) for entry in root_chain.filter]
    _require(_ascends(entries), f"{field}.filter", "must ascend by address and topic, without duplicates")
    is_later = all(entry.from_block > root_chain.block_number or entry.from_block == 0 for entry in root_chain.filter)
    _require(is_later, f"{field}.filter", "from_block must be 0 or beyond the genesis block")


def _check_carried(genesis: Genesis) -> None:
    """A fork's sections say what its own fields say, and nothing is under way in them."""
    carried = decode_carried(genesis.carried)
    _require((carried is None) == (not genesis.parent), "carried", "a fork, and only a fork, has it beside its parent")
    if carried is None:
        return
    members = carried.validators.members
    usable = [(one.id, one.signer, one.public_key, one.stake_wei) for one in members if one.has_usable_key]
    named = [(one.id, one.signer, one.public_key, one.stake_wei) for one in genesis.validators]
    _require(usable == named, "carried.validators", "must be the validators, and those whose keys are of no use here")
    _require(carried.validators.epoch == genesis.epoch, "carried.validators", "must have the epoch")
    for each in (carried.feeds, carried.proposals, carried.turns):
        _require(len(each) == len(genesis.root_chains), "carried", "must have one of each per root chain")
    for chain, root_chain in enumerate(genesis.root_chains):
        feed, book, turn = carried.feeds[chain], carried.proposals[chain], carried.turns[chain]
        place = (feed.filter, feed.cursor.number, feed.cursor.hash, feed.bodies, feed.is_paused)
        wanted = (root_chain.filter, root_chain.block_number, root_chain.block_hash, (), False)
        _require(place == wanted, f"carried.feeds[{chain}]", "must stand at the block, with the filter and no bodies")
        next_header = (turn.next_start, turn.next_header_id, turn.deadline)
        is_next = next_header == (root_chain.next_start, root_chain.next_header_id, None)
        _require(is_next, f"carried.turns[{chain}]", "must wait for the next header, without a deadline")
        is_idle = (book.account_root, book.current) == (root_chain.account_root, None)
        _require(is_idle, f"carried.proposals[{chain}]", "must have the account root, and none under way")


def _check_signed_bytes_differ(root_chains: tuple[RootChainGenesis, ...]) -> None:
    """No two root chains of a network may accept the same signed bytes."""
    polygon = [
        chain.parameters.contract_chain_id for chain in root_chains if chain.parameters.data_form is DataForm.POLYGON
    ]
    _require(
        len(set(polygon)) == len(polygon), "root_chains.contract_chain_id", "must differ between polygon-form contracts"
    )
    bound = [(chain.parameters.chain_id, chain.parameters.root_chain_address) for chain in root_chains]
    _require(len(set(bound)) == len(bound), "root_chains.root_chain_address", "two root chains name the same contract")


def _ascends(values: Iterable[_Ordered]) -> bool:
    given = list(values)
    return given == sorted(set(given))
