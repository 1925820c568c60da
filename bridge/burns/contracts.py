"""What RootChain and RootChainManager say at one block of a root chain."""

from collections.abc import Sequence
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
from bridge.codec.types import ZERO_HASH, Address, BlockNumber, Hash32, UnixSeconds

_HEADER_TYPES = ("bytes32", "uint256", "uint256", "uint256", "address")
_UINT64_BITS = 64
_TAKEN = ("EXIT_ALREADY_PROCESSED", "EXIT_ALREADY_EXISTS", "KNOWN_EXIT")
"""In a revert's words: the exit was taken before."""


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
        answer = await self._read(self.view.root_chain, _HEADER_TYPES, "headerBlocks(uint256)", header_id)
        return self._checkpoint(header_id, answer)

    async def checkpoints(self, header_ids: Sequence[int]) -> tuple[CheckpointOnRoot, ...]:
        """Several checkpoints in one request, without those that the contract does not have."""
        calls = [(self.view.root_chain, encode_call("headerBlocks(uint256)", header_id)) for header_id in header_ids]
        answers = await self.read_all(calls, _HEADER_TYPES)
        found = (self._checkpoint(at, answer) for at, answer in zip(header_ids, answers, strict=True))
        return tuple(one for one in found if one is not None)

    async def read_all(
        self, calls: Sequence[tuple[Address, bytes]], types: tuple[str, ...]
    ) -> tuple[tuple[object, ...], ...]:
        """What several view functions return, all of the same types, in one request; none may revert."""
        if not calls:
            return ()
        with chain_errors(f"{self.view.name}: {len(calls)} calls at block {self.at.number}", self.view.reader):
            answers = await self.view.reader.calls(calls, self.at.number)
            for answer in answers:
                if isinstance(answer, CallReverted):
                    raise answer
            return tuple(decode_values(types, answer) for answer in answers if isinstance(answer, bytes))

    async def flags(self, calls: Sequence[tuple[Address, bytes]]) -> tuple[bool, ...]:
        """What several view functions say, yes or no, in one request.

        No proof comes with the answer to such a call, so a second endpoint, if there is one that can answer, must
        agree. Raises CannotTell when it does not.
        """
        said = tuple(bool(value) for (value,) in await self.read_all(calls, ("bool",)))
        second = self.view.reader.second()
        if second is None or not calls:
            return said
        try:
            seconded = await RootContracts(replace(self.view, reader=second), self.at).read_all(calls, ("bool",))
        except (CannotTell, EndpointFalse):
            return said
        if said != tuple(bool(value) for (value,) in seconded):
            raise CannotTell(f"{self.view.name}: two endpoints differ about which exits were taken")
        return said

    async def has(self, call: tuple[Address, bytes]) -> bool:
        """Whether a contract has the view function that is called. Raises CannotTell, EndpointFalse."""
        with chain_errors(f"{self.view.name}: a call at block {self.at.number}", self.view.reader):
            (answer,) = await self.view.reader.calls([call], self.at.number)
            return isinstance(answer, bytes) and len(answer) > 0

    async def simulate(self, to: Address, function: str, payload: bytes, sender: Address | None) -> bool:
        """Run an exit by eth_call; False where it was taken already. Raises ExitRefused when it reverts otherwise."""
        with chain_errors(f"{self.view.name}: {function}", self.view.reader):
            try:
                await self.view.reader.call(to, encode_call(function, payload), self.at.number, sender=sender)
            except CallReverted as error:
                if is_taken(error):
                    return False
                raise ExitRefused(f"{self.view.name}: {function} is refused: {error.reason}") from error
        return True

    def _checkpoint(self, header_id: int, answer: tuple[object, ...]) -> CheckpointOnRoot | None:
        root, start, end, created_at, proposer = answer
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


def is_taken(error: CallReverted) -> bool:
    """Whether a contract refuses an exit because it has taken it before."""
    return any(word in error.reason for word in _TAKEN)
