"""The state is what the contracts say at the cursor: every log applied, once, in order, none missed."""

from typing import cast

from bridge.codec.abi import decode_values, encode_call
from bridge.codec.feed import DONE_INDEX
from bridge.codec.types import Address, BlockNumber
from node.app.state import WEI_PER_TOKEN, State
from node.devnet.bootstrap import DevnetContracts
from node.devnet.chain import Chain
from node.engine.commits import CommittedBlock
from node.simulation.checks.check import Check, Violation
from node.simulation.machine import Machine


class MirrorsContracts(Check):
    """Acks, next start, header ids, epoch and powers, whenever the cursor has moved to the end of a block."""

    def __init__(self, root: Chain, contracts: DevnetContracts) -> None:
        self._root = root
        self._contracts = contracts.root
        self._seen: set[tuple[int, bytes]] = set()
        self.compared = 0
        """How often the state was compared."""

    def committed(self, machine: Machine, block: CommittedBlock, state: State) -> None:
        """Compare, once for each cursor."""
        feed = state.feeds[0]
        cursor = feed.cursor
        key = (feed.step_number, cursor.hash)
        if key in self._seen or cursor.next_index != DONE_INDEX or feed.is_paused:
            return
        self._seen.add(key)
        if cursor.number > self._root.head.number or self._root.header(cursor.number).hash != cursor.hash:
            return  # L1 has left this block; what follows is the re-anchoring's matter
        self.compared += 1
        self._compare_headers(state, cursor.number)
        self._compare_stake(state, cursor.number)

    def _compare_headers(self, state: State, at: BlockNumber) -> None:
        turn = state.turns[0]
        last_header = self._read("currentHeaderBlock()", at)
        if turn.acks * 10_000 != last_header:
            raise Violation("every log once", f"{turn.acks} acks, but the contract's last header is {last_header}")
        last_end = self._read("getLastChildBlock()", at)
        if turn.next_start != (last_end + 1 if last_header else 0):
            raise Violation("every log once", f"next start {turn.next_start}, but the contract ends at {last_end}")

    def _compare_stake(self, state: State, at: BlockNumber) -> None:
        manager = self._contracts.stake_manager
        epoch = int.from_bytes(self._root.call(manager, encode_call("epoch()"), None, at))
        if state.validators.epoch != epoch:
            raise Violation("powers", f"epoch {state.validators.epoch}, but the contract has {epoch}")
        answer = self._root.call(manager, encode_call("validatorSet()"), None, at)
        signers, powers = decode_values(("address[]", "uint256[]"), answer)
        on_l1 = dict(zip(cast(tuple[Address, ...], signers), cast(tuple[int, ...], powers), strict=True))
        here = {member.signer: member.stake_wei // WEI_PER_TOKEN for member in state.validators.members}
        if here != on_l1:
            raise Violation("powers", f"the state has {_named(here)}, the contract {_named(on_l1)}")
        engine = {member.signer: member.power for member in state.engine_set.members}
        tallies = {member.signer: member.power for member in state.validators.tally_set}
        if not state.engine_set.is_frozen and engine != tallies:
            raise Violation("powers", f"the engine's set is {_named(engine)}, tallies count {_named(tallies)}")

    def _read(self, signature: str, at: BlockNumber) -> int:
        return int.from_bytes(self._root.call(self._contracts.root_chain, encode_call(signature), None, at)[:32])


def _named(powers: dict[Address, int]) -> str:
    return ", ".join(f"0x{signer.hex()[:8]} {power}" for signer, power in sorted(powers.items()))
