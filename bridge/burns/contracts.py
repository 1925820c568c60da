"""What RootChain and RootChainManager say at one block of a root chain."""

from dataclasses import replace
from typing import cast

from bridge.burns.errors import CannotTell, EndpointFalse, ExitRefused
from bridge.burns.reading import chain_errors
from bridge.burns.report import CheckpointOnRoot
from bridge.burns.views import RootView
from bridge.chain.errors import CallReverted
from bridge.chain.header_store import BlockPoint
from bridge.codec.abi import decode_values, encode_call
from bridge.codec.checkpoint import HEADER_ID_STEP
from bridge.codec.hexadecimal import to_hex
from bridge.codec.types import ZERO_ADDRESS, ZERO_HASH, Address, BlockNumber, Hash32, UnixSeconds

_HEADER_TYPES = ("bytes32", "uint256", "uint256", "uint256", "address")
_UINT64_BITS = 64


class RootContracts:
    """Reads by eth_call, all at the same block, so that the answers fit together."""

    def __init__(self, view: RootView, at: BlockPoint) -> None:
        self.view = view
        self.at = at

    async def last_header_id(self) -> int:
        """The id of the last checkpoint, 0 where there is none."""
        (header_id,) = await self._read(self.view.root_chain, ("uint256",), "currentHeaderBlock()")
        return self._small(header_id)

    async def checkpoint(self, header_id: int) -> CheckpointOnRoot | None:
        """The checkpoint with this id, or None where the contract has none. Raises EndpointFalse if it cannot be."""
        root, start, end, created_at, proposer = await self._read(
            self.view.root_chain, _HEADER_TYPES, "headerBlocks(uint256)", header_id
        )
        if root == ZERO_HASH:
            return None
        found = CheckpointOnRoot(
            header_id=header_id,
            root=cast(Hash32, root),
            start=BlockNumber(self._small(start)),
            end=BlockNumber(self._small(end)),
            created_at=UnixSeconds(self._small(created_at)),
            proposer=cast(Address, proposer),
        )
        if found.start > found.end or found.created_at > self.at.timestamp:
            raise self._false(f"checkpoint {header_id} cannot be: {found}")
        return found

    async def root_token(self, child_token: Address) -> Address | None:
        """The root token of a child token, None where it is not mapped, zero where there is no manager to ask."""
        manager = self.view.root_chain_manager
        if manager is None:
            return ZERO_ADDRESS
        (token,) = await self._read(manager, ("address",), "childToRootToken(address)", child_token)
        return None if token == ZERO_ADDRESS else cast(Address, token)

    async def is_exited(self, exit_hash: Hash32) -> bool:
        """Whether the exit with this hash has been paid; False where there is no manager to ask.

        No proof comes with the answer to such a call, so a second endpoint, if there is one that can answer, must
        agree. Raises CannotTell when it does not.
        """
        manager = self.view.root_chain_manager
        if manager is None:
            return False
        is_processed = await self._is_processed(manager, exit_hash)
        second = self.view.reader.second()
        if second is None:
            return is_processed
        try:
            seconded = await RootContracts(replace(self.view, reader=second), self.at)._is_processed(manager, exit_hash)
        except (CannotTell, EndpointFalse):
            return is_processed
        if seconded != is_processed:
            raise CannotTell(f"{self.view.name}: two endpoints differ about whether exit {to_hex(exit_hash)} was paid")
        return is_processed

    async def simulate_exit(self, payload: bytes) -> bool:
        """Run `exit` by eth_call; False where there is no manager to ask. Raises ExitRefused when it reverts."""
        manager = self.view.root_chain_manager
        if manager is None:
            return False
        with chain_errors(f"{self.view.name}: exit", self.view.reader):
            try:
                await self.view.reader.call(manager, encode_call("exit(bytes)", payload), self.at.number)
            except CallReverted as error:
                raise ExitRefused(f"{self.view.name}: RootChainManager refuses the exit: {error.reason}") from error
        return True

    async def _is_processed(self, manager: Address, exit_hash: Hash32) -> bool:
        (is_processed,) = await self._read(manager, ("bool",), "processedExits(bytes32)", exit_hash)
        return bool(is_processed)

    async def _read(self, to: Address, types: tuple[str, ...], function: str, *arguments: object) -> tuple[object, ...]:
        with chain_errors(f"{self.view.name}: {function} at block {self.at.number}", self.view.reader):
            data = await self.view.reader.call(to, encode_call(function, *arguments), self.at.number)
            return decode_values(types, data)

    def _small(self, value: object) -> int:
        """A uint256 whose true values are small; decoded, so an int."""
        number = cast(int, value)
        if number >> _UINT64_BITS:
            raise self._false(f"{number} is no number of a block or checkpoint, nor a time")
        return number

    def _false(self, message: str) -> EndpointFalse:
        return EndpointFalse(f"{self.view.name}: {message}", self.view.reader.pool.latest_label)


def header_id_of(checkpoint_number: int) -> int:
    """The contract's id of the n-th checkpoint, from 1."""
    return checkpoint_number * HEADER_ID_STEP
