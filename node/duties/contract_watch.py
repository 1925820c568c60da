"""Whether the contracts that signatures are for are still the ones that this node began with (docs/protocol.md P3).

A proxy can get another implementation behind our backs, and a signature is only worth what the code makes of it. So
each node keeps a fingerprint of the code and, when it changes or the feed has carried an upgrade, signs no further
checkpoint for that root chain until its operator has looked at the new code and confirmed its fingerprint.
"""

from collections.abc import Callable

from bridge.chain.clock import Clock
from bridge.chain.errors import CallReverted, ChainError
from bridge.chain.fields import as_data
from bridge.chain.reader import ChainReader
from bridge.codec.abi import encode_call
from bridge.codec.hash import keccak256
from bridge.codec.hexadecimal import from_hex, quantity, to_hex
from bridge.codec.types import Address, BlockNumber, Hash32
from node.app.parameters import RootChainParameters
from node.app.state import Committed
from node.duties.follow import FollowRoot
from node.keys.record import Facts

LOOK_EVERY_S = 60.0
ERC1967_IMPLEMENTATION_SLOT = "0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc"
"""keccak256("eip1967.proxy.implementation") − 1 (ERC-1967)."""


class ContractWatch:
    """A duty that compares the code of one root chain's contracts with what it was."""

    def __init__(
        self,
        follow: FollowRoot,
        parameters: RootChainParameters,
        facts: Facts,
        committed: Callable[[], Committed],
        confirmed_by_operator: Hash32 | None,
        clock: Clock,
    ) -> None:
        """`confirmed_by_operator` is the key `confirmed_contracts` of the root chain's configuration."""
        self.name = f"contracts {follow.chain}"
        self._follow = follow
        self._contracts = (
            parameters.root_chain_address,
            parameters.stake_manager_address,
            parameters.staking_info_address,
        )
        self._facts = facts
        self._fact = f"contracts/{follow.chain}/{to_hex(parameters.root_chain_address)}"
        self._committed = committed
        self._confirmed = confirmed_by_operator
        self._clock = clock
        self._looked_at: tuple[float, BlockNumber | None] | None = None

    async def run_once(self) -> bool:
        """Look once a minute, and at once when the feed has carried an upgrade."""
        upgraded = self._committed().state.feeds[self._follow.index].contract_changed_block
        confirmed, now_s = self._follow.confirmed, self._clock.monotonic()
        seen = self._looked_at
        if confirmed is None or (seen is not None and seen[1] == upgraded and now_s - seen[0] < LOOK_EVERY_S):
            return False
        try:
            found = await self._seconded(confirmed.number, upgraded)
        except ChainError:
            return False
        if found is None:
            return False
        self._looked_at = (now_s, upgraded)
        self._follow.contract_changed = self._judge(found, upgraded)
        self._follow.contract_seen = True
        return False

    async def _seconded(self, block: BlockNumber, upgraded: BlockNumber | None) -> Hash32 | None:
        """The fingerprint; one that is new counts only if a second endpoint, where there is one, shows it too."""
        first = self._follow.reader.twin()
        found = await fingerprint(first, self._contracts, block)
        second = first.second()
        if second is None or self._facts.fact(self._fact) == _noted(found, upgraded):
            return found
        return found if await fingerprint(second, self._contracts, block) == found else None

    def _judge(self, found: Hash32, upgraded: BlockNumber | None) -> str | None:
        """What to tell the operator, if there is something.

        The first fingerprint of a home is taken as it is, unless an upgrade came before it.
        """
        now = _noted(found, upgraded)
        known = self._facts.fact(self._fact)
        if known == now:
            return None
        if (known is None and upgraded is None) or found == self._confirmed:
            self._facts.save_fact(self._fact, now)
            return None
        return (
            f"the code behind the contracts of {self._follow.chain} is another one: look at it, then put "
            f'confirmed_contracts = "{to_hex(found)}" into its [[root_chains]] table and start again'
        )


def _noted(found: Hash32, upgraded: BlockNumber | None) -> bytes:
    """A fingerprint as it is kept: with the block of the upgrade that it came after."""
    return found + (upgraded or 0).to_bytes(8)


async def fingerprint(reader: ChainReader, contracts: tuple[Address, ...], block: BlockNumber) -> Hash32:
    """keccak256 over the code of each contract and of the implementation behind it, at a block. Raises ChainError."""
    hashes = []
    for contract in contracts:
        implementation = await _implementation(reader, contract, block)
        hashes.append(await reader.code_hash(contract, block))
        hashes.append(keccak256(implementation) if implementation else Hash32(bytes(32)))
        if implementation:
            hashes.append(await reader.code_hash(Address(implementation), block))
    return keccak256(b"".join(hashes))


async def _implementation(reader: ChainReader, contract: Address, block: BlockNumber) -> bytes:
    """The implementation behind a proxy, by ERC-1967's slot or by implementation(), which Polygon's proxies have."""
    slot = await reader.pool.call("eth_getStorageAt", [to_hex(contract), ERC1967_IMPLEMENTATION_SLOT, quantity(block)])
    held = as_data(slot, "eth_getStorageAt")[-20:]
    if any(held):
        return held
    try:
        answer = await reader.call(contract, encode_call("implementation()"), block)
    except CallReverted:
        return b""
    return answer[12:32] if len(answer) == 32 and any(answer) else b""


def parse_fingerprint(text: str) -> Hash32 | None:
    """The value of `confirmed_contracts`; None if it is empty. Raises HexError."""
    return Hash32(from_hex(text, 32)) if text else None
