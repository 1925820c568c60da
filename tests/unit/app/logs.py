"""L1 logs as the contracts would emit them."""

from bridge.codec import events
from bridge.codec.abi import encode_values
from bridge.codec.feed import ElidedData, FeedLog
from bridge.codec.hash import keccak256
from bridge.codec.types import Address, Hash32

ROOT_CHAIN = Address(b"\x11" * 20)
STAKING_INFO = Address(b"\x22" * 20)
STAKE_MANAGER = Address(b"\x33" * 20)


def _word(value: int | bytes) -> Hash32:
    return Hash32(value.rjust(32, b"\x00") if isinstance(value, bytes) else value.to_bytes(32))


def _log(address: Address, topic0: Hash32, indexed: tuple[int | bytes, ...], data: bytes = b"") -> FeedLog:
    topics = (topic0, *(_word(value) for value in indexed))
    return FeedLog(index=0, transaction_index=0, address=address, topics=topics, data=data)


def new_header(proposer: Address, header_id: int, start: int, end: int, root: Hash32) -> FeedLog:
    """RootChain accepted a checkpoint."""
    data = encode_values(("uint256", "uint256", "bytes32"), (start, end, root))
    return _log(ROOT_CHAIN, events.NEW_HEADER_BLOCK_TOPIC, (proposer, header_id, 0), data)


def reset_header(header_id: int) -> FeedLog:
    """RootChain's owner deleted headers from this id on."""
    return _log(ROOT_CHAIN, events.RESET_HEADER_BLOCK_TOPIC, (b"\x99" * 20, header_id))


def staked(signer: Address, validator: int, stake_wei: int, public_key: bytes, nonce: int = 1) -> FeedLog:
    """A validator joined."""
    data = encode_values(("uint256", "uint256", "uint256", "bytes"), (nonce, stake_wei, stake_wei, public_key))
    return _log(STAKING_INFO, events.STAKED_TOPIC, (signer, validator, 1), data)


def stake_update(validator: int, nonce: int, stake_wei: int) -> FeedLog:
    """A validator's stake changed."""
    return _log(STAKING_INFO, events.STAKE_UPDATE_TOPIC, (validator, nonce, stake_wei))


def signer_change(validator: int, nonce: int, old: Address, new: Address, public_key: bytes) -> FeedLog:
    """A validator signs with another key."""
    data = encode_values(("uint256", "bytes"), (nonce, public_key))
    return _log(STAKING_INFO, events.SIGNER_CHANGE_TOPIC, (validator, old, new), data)


def unstake_init(validator: int, nonce: int, deactivation_epoch: int) -> FeedLog:
    """A validator leaves."""
    data = encode_values(("uint256", "uint256"), (nonce, deactivation_epoch))
    return _log(STAKING_INFO, events.UNSTAKE_INIT_TOPIC, (b"\x98" * 20, validator, 0), data)


def unknown(topic: bytes = b"\x77" * 32, data: bytes = b"") -> FeedLog:
    """An event that nobody told us about."""
    return _log(STAKING_INFO, Hash32(topic), (), data)


def upgraded(address: Address) -> FeedLog:
    """A proxy has another implementation."""
    return _log(address, events.UPGRADED_TOPIC, (b"\x96" * 20,))


def elided(length: int) -> FeedLog:
    """A Staked event with more data than a step carries."""
    log = _log(STAKING_INFO, events.STAKED_TOPIC, (b"\x97" * 20, 77, 1))
    marker = ElidedData(length, keccak256(bytes(length)))
    return FeedLog(0, 0, log.address, log.topics, b"", marker)


def placed(logs: tuple[FeedLog, ...]) -> tuple[FeedLog, ...]:
    """The logs at ascending positions, one transaction each."""
    return tuple(FeedLog(at, at, log.address, log.topics, log.data, log.data_elided) for at, log in enumerate(logs))
