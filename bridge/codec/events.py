"""The contract events that the project understands, decoded strictly from raw logs.

Signatures, indexed parameters and order are those of Polygon's RootChain, StakingInfo and StateSender, of ERC-20, and
of the two proxy conventions (ERC-1967 and Polygon's UpgradableProxy).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from bridge.codec.abi import event_topic
from bridge.codec.errors import AbiError
from bridge.codec.feed import FeedLog
from bridge.codec.receipts import Log
from bridge.codec.types import Address, BlockNumber, Hash32, ValidatorId, Wei

NEW_HEADER_BLOCK_TOPIC = event_topic("NewHeaderBlock(address,uint256,uint256,uint256,uint256,bytes32)")
RESET_HEADER_BLOCK_TOPIC = event_topic("ResetHeaderBlock(address,uint256)")
STAKED_TOPIC = event_topic("Staked(address,uint256,uint256,uint256,uint256,uint256,bytes)")
STAKE_UPDATE_TOPIC = event_topic("StakeUpdate(uint256,uint256,uint256)")
SIGNER_CHANGE_TOPIC = event_topic("SignerChange(uint256,uint256,address,address,bytes)")
UNSTAKE_INIT_TOPIC = event_topic("UnstakeInit(address,uint256,uint256,uint256,uint256)")
TRANSFER_TOPIC = event_topic("Transfer(address,address,uint256)")
STATE_SYNCED_TOPIC = event_topic("StateSynced(uint256,address,bytes)")
UPGRADED_TOPIC = event_topic("Upgraded(address)")
PROXY_UPDATED_TOPIC = event_topic("ProxyUpdated(address,address)")


@dataclass(frozen=True, slots=True)
class NewHeaderBlock:
    """RootChain accepted a checkpoint."""

    proposer: Address
    header_id: int
    reward: int
    start: BlockNumber
    end: BlockNumber
    root: Hash32


@dataclass(frozen=True, slots=True)
class ResetHeaderBlock:
    """RootChain's owner deleted the headers from `header_id` on."""

    proposer: Address
    header_id: int


@dataclass(frozen=True, slots=True)
class Staked:
    """A validator joined. `public_key` is as given: any bytes."""

    signer: Address
    validator_id: ValidatorId
    nonce: int
    activation_epoch: int
    amount_wei: Wei
    total_wei: Wei
    public_key: bytes


@dataclass(frozen=True, slots=True)
class StakeUpdate:
    """A validator's stake, own and delegated, changed."""

    validator_id: ValidatorId
    nonce: int
    new_amount_wei: Wei


@dataclass(frozen=True, slots=True)
class SignerChange:
    """A validator signs with another key from now on."""

    validator_id: ValidatorId
    nonce: int
    old_signer: Address
    new_signer: Address
    public_key: bytes


@dataclass(frozen=True, slots=True)
class UnstakeInit:
    """A validator leaves at `deactivation_epoch`."""

    user: Address
    validator_id: ValidatorId
    nonce: int
    deactivation_epoch: int
    amount_wei: Wei


@dataclass(frozen=True, slots=True)
class Transfer:
    """ERC-20 tokens moved; to the zero address, they were burnt."""

    sender: Address
    receiver: Address
    amount: int


@dataclass(frozen=True, slots=True)
class StateSynced:
    """StateSender passed `data` to `contract` on the side chain."""

    id: int
    contract: Address
    data: bytes


@dataclass(frozen=True, slots=True)
class ProxyUpgraded:
    """A proxy has another implementation behind it."""

    implementation: Address


Event: TypeAlias = (
    NewHeaderBlock
    | ResetHeaderBlock
    | Staked
    | StakeUpdate
    | SignerChange
    | UnstakeInit
    | Transfer
    | StateSynced
    | ProxyUpgraded
)


def decode_event(log: Log | FeedLog) -> Event | None:
    """The event of a log, or None if its first topic is not known (or it is ERC-721's Transfer, which has the same).

    Raises AbiError if the topic is known and the rest does not fit it, or its data was elided.
    """
    decoder = _DECODERS.get(log.topics[0]) if log.topics else None
    return None if decoder is None else decoder(log)


def _new_header_block(log: Log | FeedLog) -> Event:
    proposer, header_id, reward = _indexed(log, 3)
    start, end, root = _words(log, 3)
    return NewHeaderBlock(
        proposer=_address(proposer),
        header_id=_uint(header_id),
        reward=_uint(reward),
        start=BlockNumber(_uint(start)),
        end=BlockNumber(_uint(end)),
        root=Hash32(root),
    )


def _reset_header_block(log: Log | FeedLog) -> Event:
    proposer, header_id = _indexed(log, 2)
    _words(log, 0)
    return ResetHeaderBlock(_address(proposer), _uint(header_id))


def _staked(log: Log | FeedLog) -> Event:
    signer, validator_id, activation_epoch = _indexed(log, 3)
    (nonce, amount, total), public_key = _words_and_bytes(log, 3)
    return Staked(
        signer=_address(signer),
        validator_id=ValidatorId(_uint(validator_id)),
        nonce=_uint(nonce),
        activation_epoch=_uint(activation_epoch),
        amount_wei=Wei(_uint(amount)),
        total_wei=Wei(_uint(total)),
        public_key=public_key,
    )


def _stake_update(log: Log | FeedLog) -> Event:
    validator_id, nonce, new_amount = _indexed(log, 3)
    _words(log, 0)
    return StakeUpdate(ValidatorId(_uint(validator_id)), _uint(nonce), Wei(_uint(new_amount)))


def _signer_change(log: Log | FeedLog) -> Event:
    validator_id, old_signer, new_signer = _indexed(log, 3)
    (nonce,), public_key = _words_and_bytes(log, 1)
    return SignerChange(
        validator_id=ValidatorId(_uint(validator_id)),
        nonce=_uint(nonce),
        old_signer=_address(old_signer),
        new_signer=_address(new_signer),
        public_key=public_key,
    )


def _unstake_init(log: Log | FeedLog) -> Event:
    user, validator_id, amount = _indexed(log, 3)
    nonce, deactivation_epoch = _words(log, 2)
    return UnstakeInit(
        user=_address(user),
        validator_id=ValidatorId(_uint(validator_id)),
        nonce=_uint(nonce),
        deactivation_epoch=_uint(deactivation_epoch),
        amount_wei=Wei(_uint(amount)),
    )


def _transfer(log: Log | FeedLog) -> Event | None:
    if len(log.topics) == 4:
        return None
    sender, receiver = _indexed(log, 2)
    (amount,) = _words(log, 1)
    return Transfer(_address(sender), _address(receiver), _uint(amount))


def _state_synced(log: Log | FeedLog) -> Event:
    state_id, contract = _indexed(log, 2)
    _, data = _words_and_bytes(log, 0)
    return StateSynced(_uint(state_id), _address(contract), data)


def _upgraded(log: Log | FeedLog) -> Event:
    (implementation,) = _indexed(log, 1)
    _words(log, 0)
    return ProxyUpgraded(_address(implementation))


def _proxy_updated(log: Log | FeedLog) -> Event:
    new_implementation, _ = _indexed(log, 2)
    _words(log, 0)
    return ProxyUpgraded(_address(new_implementation))


_DECODERS: dict[Hash32, Callable[[Log | FeedLog], Event | None]] = {
    NEW_HEADER_BLOCK_TOPIC: _new_header_block,
    RESET_HEADER_BLOCK_TOPIC: _reset_header_block,
    STAKED_TOPIC: _staked,
    STAKE_UPDATE_TOPIC: _stake_update,
    SIGNER_CHANGE_TOPIC: _signer_change,
    UNSTAKE_INIT_TOPIC: _unstake_init,
    TRANSFER_TOPIC: _transfer,
    STATE_SYNCED_TOPIC: _state_synced,
    UPGRADED_TOPIC: _upgraded,
    PROXY_UPDATED_TOPIC: _proxy_updated,
}


def _indexed(log: Log | FeedLog, count: int) -> tuple[Hash32, ...]:
    """The topics after the first."""
    if len(log.topics) != count + 1:
        raise AbiError(f"event has {len(log.topics)} topics, not {count + 1}")
    return log.topics[1:]


def _words(log: Log | FeedLog, count: int) -> tuple[bytes, ...]:
    """Data that is exactly `count` words."""
    data = _data(log)
    if len(data) != 32 * count:
        raise AbiError(f"event has {len(data)} bytes of data, not {32 * count}")
    return tuple(data[at : at + 32] for at in range(0, len(data), 32))


def _words_and_bytes(log: Log | FeedLog, count: int) -> tuple[tuple[bytes, ...], bytes]:
    """Data that is `count` words and one `bytes` parameter: offset, length, and content padded with zeros."""
    data = _data(log)
    head_length = 32 * (count + 1)
    if len(data) < head_length + 32:
        raise AbiError(f"event has {len(data)} bytes of data, fewer than {head_length + 32}")
    content = data[head_length + 32 :]
    length = int.from_bytes(data[head_length : head_length + 32])
    is_canonical = (
        int.from_bytes(data[head_length - 32 : head_length]) == head_length
        and len(content) == length + -length % 32
        and not any(content[length:])
    )
    if not is_canonical:
        raise AbiError("event data is not in its canonical encoding")
    return tuple(data[32 * place : 32 * place + 32] for place in range(count)), content[:length]


def _data(log: Log | FeedLog) -> bytes:
    if isinstance(log, FeedLog) and log.data_elided is not None:
        raise AbiError(f"event's data was elided: {log.data_elided.length} bytes")
    return log.data


def _address(word: bytes) -> Address:
    if any(word[:12]):
        raise AbiError("word is not an address")
    return Address(word[12:])


def _uint(word: bytes) -> int:
    return int.from_bytes(word)
