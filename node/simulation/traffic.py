"""What people do: they burn tokens on the side chain, watch how far each burn comes, and take the money out."""

import asyncio
from dataclasses import dataclass

from bridge.burns.report import BurnStatus
from bridge.codec.abi import encode_call
from bridge.codec.hexadecimal import from_hex, to_hex
from bridge.codec.types import BlockNumber, Hash32
from contracts.deployment import DeploymentStep
from node.simulation import people
from node.simulation.api import ask
from node.simulation.checks.burns import BurnsNeverGoBack
from node.simulation.checks.check import Violation
from node.simulation.machine import Machine
from node.simulation.world import World

BURNT_WEI = 10**18
BURNS_WATCHED_MAX = 3


@dataclass(slots=True)
class _Burn:
    transaction: Hash32
    exit_sent: Hash32 | None = None
    is_exited: bool = False


class Burner:
    """Burns now and then, asks every validator about each burn, and exits with a proof that one of them gives."""

    def __init__(self, world: World, check: BurnsNeverGoBack) -> None:
        self.exited = 0
        """How many burns were paid out."""
        self._world = world
        self._check = check
        self._burns: list[_Burn] = []

    async def run(self) -> None:
        """Burn and watch until cancelled. Raises Violation."""
        interval_s = self._world.settings.pace.root_chain.interval_s
        while True:
            await asyncio.sleep(max(2.0, interval_s / 2))
            self._burns = [burn for burn in self._burns if not burn.is_exited]
            if len(self._burns) < BURNS_WATCHED_MAX:
                self._burn()
            for burn in self._burns:
                for machine in self._world.machines:
                    if machine.is_up and machine.liar is None:
                        await self._ask(machine, burn)

    def _burn(self) -> None:
        world = self._world
        step = DeploymentStep("burn", world.contracts.side.demo_token, encode_call("withdraw(uint256)", BURNT_WEI))
        self._burns += [_Burn(sent) for sent in people.send(world.side, world.accounts.demo[0], step)]

    async def _ask(self, machine: Machine, burn: _Burn) -> None:
        answer = await ask(machine, f"/sidewarden/v1/burns/{to_hex(burn.transaction)}")
        if answer is None:
            return
        if answer.status != 200:
            self._judge_error(machine, answer.json)
            return
        status = BurnStatus(answer.json["status"])
        (at,) = answer.json["judged_at"]
        number, block_hash = BlockNumber(int(at["number"])), Hash32(from_hex(at["hash"]))
        self._check.answered(machine.index, burn.transaction, status, number, block_hash)
        if status is BurnStatus.READY and not self._waits(burn):
            await self._exit(machine, burn)
        if status is BurnStatus.EXITED and not burn.is_exited:
            burn.is_exited = True
            self.exited += 1

    def _waits(self, burn: _Burn) -> bool:
        """Whether an exit is on its way, or done and not final yet."""
        root = self._world.root
        sent = burn.exit_sent
        return sent is not None and (root.waiting(sent) is not None or root.mined(sent) is not None)

    async def _exit(self, machine: Machine, burn: _Burn) -> None:
        answer = await ask(machine, f"/sidewarden/v1/burns/{to_hex(burn.transaction)}/proof")
        if answer is None or answer.status != 200:
            return
        world = self._world
        call = encode_call("exit(bytes)", from_hex(answer.json["payload"]))
        step = DeploymentStep("exit", world.contracts.root.root_chain_manager, call)
        for sent in people.send(world.root, world.accounts.demo[0], step):
            burn.exit_sent = sent

    def _judge_error(self, machine: Machine, body: dict[str, object]) -> None:
        error = body.get("error")
        if isinstance(error, dict) and error.get("code") == "INTERNAL":
            raise Violation("no bug", f"the API of validator {machine.index} has one: see its log")
