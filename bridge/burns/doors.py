"""Which contract of a root chain takes the exit of a burn, and whether it has.

PoS tokens      RootChainManager.exit; it pays if the child token is mapped and its type's predicate takes such a log
messages        receiveMessage of the root chain's end of the tunnel
Plasma          startExitWithBurntTokens of the predicate for the token's kind; the money comes after a waiting time

Where a contract is not configured, its burns are shown and proved all the same: the proof says nothing about who pays.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from bridge.burns.contracts import RootContracts
from bridge.burns.kinds import (
    ACCEPTED,
    PLASMA_WITHDRAW_ERC20_TOPIC,
    PLASMA_WITHDRAW_ERC721_TOPIC,
    BurnKind,
    FoundBurn,
)
from bridge.burns.sharing import Recent
from bridge.burns.views import RootView
from bridge.codec.abi import encode_call
from bridge.codec.exit_payload import branch_mask
from bridge.codec.receipts import Receipt
from bridge.codec.types import ZERO_ADDRESS, Address, BlockNumber, Hash32

MAPPINGS_KEPT = 4_096
MAPPED_FRESH_BLOCKS = 256
"""A mapping is for good in all but emergencies, so it is read again after this many root-chain blocks."""
UNMAPPED_FRESH_BLOCKS = 8

PLASMA_KINDS = frozenset((BurnKind.PLASMA_ERC20, BurnKind.PLASMA_ERC721))
_WITHDRAWS = {(PLASMA_WITHDRAW_ERC20_TOPIC,), (PLASMA_WITHDRAW_ERC721_TOPIC,)}


@dataclass(frozen=True, slots=True)
class Door:
    """Where an exit is made; `contract` is None where it is not configured."""

    contract: Address | None
    function: str
    root_token: Address | None = None
    sender: Address | None = None
    """The only account that may make it; None if anybody may."""


@dataclass(frozen=True, slots=True)
class ExitMark:
    """A burn at its door, and the key under which its exit is noted there.

    `withdraws_before` is how many of its receipt's earlier logs are Withdraw logs; it counts for Plasma alone.
    """

    burn: FoundBurn
    door: Door
    exit_hash: Hash32
    block_number: BlockNumber
    transaction_index: int
    withdraws_before: int = 0

    @property
    def plasma_key(self) -> int:
        """The lower half of the id that WithdrawManager gives to the exit."""
        return plasma_exit_key(self.block_number, self.transaction_index, self.withdraws_before)


@dataclass(frozen=True, slots=True)
class _Mapping:
    root_token: Address
    token_type: Hash32
    read_at: BlockNumber

    @property
    def is_mapped(self) -> bool:
        return self.root_token != ZERO_ADDRESS

    def is_fresh(self, at: BlockNumber) -> bool:
        return abs(at - self.read_at) < (MAPPED_FRESH_BLOCKS if self.is_mapped else UNMAPPED_FRESH_BLOCKS)


class Doors:
    """The doors of one root chain."""

    def __init__(self, view: RootView) -> None:
        self._exits = view.exits
        self._mappings: Recent[Address, _Mapping] = Recent(MAPPINGS_KEPT)
        self._tells_plasma: bool | None = None

    async def of(self, contracts: RootContracts, burns: Sequence[FoundBurn]) -> tuple[Door | None, ...]:
        """The door of each burn; None where this root chain does not pay for it. Raises CannotTell, EndpointFalse."""
        await self._read_mappings(contracts, burns)
        return tuple(self._door(burn) for burn in burns)

    async def taken(self, contracts: RootContracts, marks: Sequence[ExitMark]) -> tuple[bool | None, ...]:
        """Whether each exit has been taken; False where no contract is configured. One request for all.

        None where the contract does not tell: Polygon's WithdrawManager keeps to itself which exits it knows, and only
        its logs show them.
        """
        asked = [(mark, call) for mark in marks if (call := self._taken_call(mark)) is not None]
        untold: set[ExitMark] = set()
        if any(mark.burn.kind in PLASMA_KINDS for mark, _ in asked) and not await self._tells_exits(contracts):
            untold = {mark for mark, _ in asked if mark.burn.kind in PLASMA_KINDS}
            asked = [(mark, call) for mark, call in asked if mark not in untold]
        answers = await contracts.flags([call for _, call in asked])
        taken = {mark for (mark, _), answer in zip(asked, answers, strict=True) if answer}
        return tuple(None if mark in untold else mark in taken for mark in marks)

    async def _tells_exits(self, contracts: RootContracts) -> bool:
        """Whether WithdrawManager answers for known exits, asked once."""
        if self._tells_plasma is None and self._exits.withdraw_manager is not None:
            call = self._exits.withdraw_manager, encode_call("isKnownExit(uint128)", 0)
            self._tells_plasma = await contracts.has(call)
        return self._tells_plasma is True

    def _door(self, burn: FoundBurn) -> Door | None:
        exits = self._exits
        if burn.kind is BurnKind.MESSAGE:
            tunnel = exits.tunnels.get(burn.token)
            return None if exits.tunnels and tunnel is None else Door(tunnel, "receiveMessage(bytes)")
        if burn.kind in PLASMA_KINDS:
            is_erc20 = burn.kind is BurnKind.PLASMA_ERC20
            predicate = exits.plasma_erc20_predicate if is_erc20 else exits.plasma_erc721_predicate
            return Door(predicate, "startExitWithBurntTokens(bytes)", burn.root_token_hint, burn.burner)
        if exits.root_chain_manager is None:
            return Door(None, "exit(bytes)")
        mapping = self._mappings.get(burn.token)
        if mapping is None or not mapping.is_mapped:
            return None
        accepted = ACCEPTED.get(mapping.token_type)
        if accepted is not None and burn.kind not in accepted:
            return None
        return Door(exits.root_chain_manager, "exit(bytes)", mapping.root_token)

    async def _read_mappings(self, contracts: RootContracts, burns: Sequence[FoundBurn]) -> None:
        manager, at = self._exits.root_chain_manager, contracts.at.number
        if manager is None:
            return
        asked = dict.fromkeys(
            burn.token for burn in burns if burn.kind is not BurnKind.MESSAGE and burn.kind not in PLASMA_KINDS
        )
        stale = [token for token in asked if (held := self._mappings.get(token)) is None or not held.is_fresh(at)]
        calls = [(manager, encode_call("childToRootToken(address)", token)) for token in stale]
        roots = [cast(Address, root) for (root,) in await contracts.read_all(calls, ("address",))]
        mapped = [root for root in roots if root != ZERO_ADDRESS]
        calls = [(manager, encode_call("tokenToType(address)", root)) for root in mapped]
        types = await contracts.read_all(calls, ("bytes32",))
        type_of = {root: cast(Hash32, kind) for root, (kind,) in zip(mapped, types, strict=True)}
        for token, root in zip(stale, roots, strict=True):
            self._mappings.put(token, _Mapping(root, type_of.get(root, Hash32(bytes(32))), at))

    def _taken_call(self, mark: ExitMark) -> tuple[Address, bytes] | None:
        if mark.door.contract is None:
            return None
        if mark.burn.kind not in PLASMA_KINDS:
            return mark.door.contract, encode_call("processedExits(bytes32)", mark.exit_hash)
        manager = self._exits.withdraw_manager
        if manager is None:
            return None
        return manager, encode_call("isKnownExit(uint128)", mark.plasma_key)


def withdraws_before(receipt: Receipt, log_index: int) -> int:
    """How many logs before this one have a Withdraw signature, whatever else is in them and whoever emitted them."""
    return sum(log.topics[:1] in _WITHDRAWS for log in receipt.logs[:log_index])


def plasma_exit_key(block_number: BlockNumber, transaction_index: int, ordinal: int = 0) -> int:
    """The low 128 bits of a Plasma exit's id: the burn's place, without the time from which it may be processed.

    `ordinal` counts the Withdraw logs of a receipt. Polygon's contract has no such part, so there only one of them can
    come out; ours gives the first the id that Polygon's gives, and the others their own.
    """
    mask = int.from_bytes(branch_mask(transaction_index))
    return (ordinal << 96 | block_number << 32 | mask) << 1
