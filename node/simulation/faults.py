"""Makes the faults of a plan happen, and undoes each when its time is over."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from bridge.codec.abi import encode_call
from bridge.codec.types import Wei
from contracts import calls
from contracts.deployment import DeploymentStep
from node.devnet.chain import PoolFaults
from node.simulation import people
from node.simulation.byzantine import Byzantine
from node.simulation.chains.rpc import AnswerFaults
from node.simulation.disk.storage import Faults as DiskFaults
from node.simulation.events import EventKind
from node.simulation.machine import Machine
from node.simulation.plan import LASTING, RPC_KINDS, Fault, FaultKind
from node.simulation.transport import ENDPOINTS, NO_ENDPOINT_FAULTS, EndpointFaults, EndpointPlace
from node.simulation.world import World

FUNDS_WEI = Wei(100 * 10**18)
TOKEN_WEI = 10**18
RESTAKE_TOKENS = 5
STEPS_TO_KILL_MAX = 200
CALLS = ("finalize_block", "commit", "prepare_proposal", "process_proposal")
DATABASES = ("state.db", "local.db", "signing.db")


@dataclass(frozen=True, slots=True)
class _Handler:
    begin: Callable[["FaultInjector", Fault], None]
    end: Callable[["FaultInjector", Fault], None] | None = None


class FaultInjector:
    """Runs a plan's faults against a world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.active: dict[int, Fault] = {}
        self.byzantine: dict[int, Byzantine] = {}
        """Validators that do not keep to the rules, by index."""
        self.damaged: set[int] = set()
        """Validators whose disk was damaged or put back: they may have to stay out."""
        self._copies: dict[int, dict[str, bytes]] = {}
        self._sources: dict[int, Random] = {}
        self._base_fee_factor = 1.0

    async def run(self) -> None:
        """Let each fault begin and end at its time; ends with the last."""
        moments: list[tuple[float, int, Fault]] = []
        for fault in self.world.plan.faults:
            self._sources[fault.number] = fault.source(self.world.plan.seed)
            moments.append((fault.at_s, 1, fault))
            if HANDLERS[fault.kind].end is not None:
                moments.append((fault.until_s, 0, fault))
        moments.sort(key=lambda moment: (moment[0], moment[1], moment[2].number))
        for at_s, begins, fault in moments:
            if at_s > self.world.now_s:
                await asyncio.sleep(at_s - self.world.now_s)
            if begins:
                self._begin(fault)
            else:
                self._end(fault)

    def heal(self) -> None:
        """End everything that is still wrong."""
        for fault in tuple(self.active.values()):
            self._end(fault)

    def _begin(self, fault: Fault) -> None:
        handler = HANDLERS[fault.kind]
        if fault.kind in LASTING and fault.validator is None:
            return
        self._note(EventKind.FAULT_BEGINS, fault)
        if handler.end is not None:
            self.active[fault.number] = fault
        handler.begin(self, fault)

    def _end(self, fault: Fault) -> None:
        handler = HANDLERS[fault.kind]
        if handler.end is not None and self.active.pop(fault.number, None) is not None:
            handler.end(self, fault)
            self._note(EventKind.FAULT_ENDS, fault)

    def _note(self, kind: EventKind, fault: Fault) -> None:
        self.world.journal.note(
            self.world.now_s, kind, fault.describe(), validator=fault.validator, number=fault.number
        )

    def _machine(self, fault: Fault) -> Machine:
        assert fault.validator is not None
        return self.world.machines[fault.validator]

    # Processes and machines

    def _down(self, fault: Fault) -> None:
        """Kill at any await: not where the fault's own timer stands, but some steps further."""
        machine = self._machine(fault)
        machine.is_held_down = True
        self.world.loop.create_task(self._kill_later(machine, fault))

    async def _kill_later(self, machine: Machine, fault: Fault) -> None:
        for _ in range(self._sources[fault.number].randrange(STEPS_TO_KILL_MAX)):
            await asyncio.sleep(0)
        machine.kill(fault.kind.value, power_loss=fault.kind is FaultKind.POWER_LOSS)

    def _up(self, fault: Fault) -> None:
        machine = self._machine(fault)
        machine.is_held_down = self._holds_down(machine.index)
        machine.start()

    def _holds_down(self, index: int) -> bool:
        """Whether another fault still keeps a validator down."""
        return any(
            other.kind is FaultKind.BLACKOUT
            or (other.kind in (FaultKind.KILL, FaultKind.POWER_LOSS) and other.validator == index)
            for other in self.active.values()
        )

    def _arm_write(self, fault: Fault) -> None:
        self._machine(fault).writes_until_kill = int(fault.amount)

    def _arm_call(self, fault: Fault) -> None:
        self._machine(fault).dies_in_call = self._sources[fault.number].choice(CALLS)

    def _freeze(self, fault: Fault) -> None:
        self._machine(fault).freeze()

    def _thaw(self, fault: Fault) -> None:
        self._machine(fault).thaw()

    def _blackout(self, fault: Fault) -> None:
        source = self._sources[fault.number]
        power_loss = source.random() < 0.5
        for machine in self.world.machines:
            machine.is_held_down = True
            machine.kill(fault.kind.value, power_loss=power_loss)
        self.world.engine.kill(power_loss=power_loss)

    def _lights_on(self, fault: Fault) -> None:
        for machine in self.world.machines:
            machine.is_held_down = self._holds_down(machine.index)
        if not any(other.kind is FaultKind.BLACKOUT for other in self.active.values()):
            self.world.engine.start(self.world.machines)

    def _clock_off(self, fault: Fault) -> None:
        self._machine(fault).clock.offset_s += fault.amount

    def _clock_on(self, fault: Fault) -> None:
        self._machine(fault).clock.offset_s -= fault.amount

    # Disks

    def _set_disk(self, fault: Fault) -> None:
        kinds = {other.kind for other in self.active.values() if other.validator == fault.validator}
        self._machine(fault).disk.faults = DiskFaults(
            is_full=FaultKind.DISK_FULL in kinds, fails_sync=FaultKind.SYNC_ERRORS in kinds
        )

    def _mend_disk(self, fault: Fault) -> None:
        self._set_disk(fault)
        self._machine(fault).restart_by_operator()

    def _tear(self, fault: Fault) -> None:
        machine, source = self._machine(fault), self._sources[fault.number]
        self.damaged.add(machine.index)
        machine.kill("power loss that tears a file", power_loss=True)
        name = str(machine.home.path / source.choice(DATABASES))
        if name in machine.disk.names and machine.disk.take_copy(name):
            machine.disk.tear(name, source)

    def _back_up(self, fault: Fault) -> None:
        """Take a copy of a database as it is between two transactions."""
        machine, source = self._machine(fault), self._sources[fault.number]
        chosen = str(machine.home.path / source.choice(DATABASES))
        names = [name for name in machine.disk.names if name.startswith(chosen) and not name.endswith(".holder")]
        self._copies[fault.number] = {name: machine.disk.take_copy(name) for name in names}

    def _put_back(self, fault: Fault) -> None:
        machine = self._machine(fault)
        self.damaged.add(machine.index)
        machine.kill("an old file is put back")
        copies = self._copies.pop(fault.number)
        for name in machine.disk.names:
            if any(name.startswith(copy.removesuffix("-wal")) for copy in copies) and name not in copies:
                machine.disk.attach().remove(type(machine.home.path)(name))
        for name, contents in copies.items():
            machine.disk.put_back(name, contents)

    # The engine's network

    def _set_network(self, fault: Fault) -> None:
        faults, active = self.world.network.faults, self.active.values()

        def most(kind: FaultKind) -> float:
            return max((other.amount for other in active if other.kind is kind), default=0.0)

        faults.loss = most(FaultKind.GOSSIP_LOSS)
        faults.delay_s = most(FaultKind.GOSSIP_DELAY)
        faults.proposals_lost = most(FaultKind.PROPOSALS_LOST)
        faults.late_blocks = {
            other.validator: other.amount
            for other in active
            if other.kind is FaultKind.BLOCKS_LATE and other.validator is not None
        }

    # RPC

    def _set_endpoints(self, fault: Fault) -> None:
        assert fault.chain is not None
        for validator in range(len(self.world.machines)):
            for endpoint in ENDPOINTS:
                self._set_endpoint(EndpointPlace(fault.chain, validator, endpoint))

    def _set_endpoint(self, place: EndpointPlace) -> None:
        faults = NO_ENDPOINT_FAULTS
        for fault in self.active.values():
            if (
                fault.kind in RPC_KINDS
                and fault.chain == place.chain
                and fault.validator in (None, place.validator)
                and fault.endpoint in (None, place.endpoint)
            ):
                faults = _with(faults, fault)
        self.world.transport.set_faults(place, faults)

    # Chains

    def _stop_chain(self, fault: Fault) -> None:
        assert fault.chain is not None
        self.world.chains[fault.chain].is_stopped = True

    def _start_chain(self, fault: Fault) -> None:
        assert fault.chain is not None
        self.world.chains[fault.chain].is_stopped = any(
            other.kind is FaultKind.CHAIN_STOPS and other.chain == fault.chain for other in self.active.values()
        )

    def _reorg(self, fault: Fault) -> None:
        assert fault.chain is not None
        self.world.reorg(fault.chain, int(fault.amount))

    # The root chain's market

    def _set_pool(self, fault: Fault) -> None:
        kinds = {other.kind for other in self.active.values()}
        submitters = frozenset(account.address for account in self.world.accounts.submitters)
        censored = submitters if FaultKind.POOL_STUCK in kinds else frozenset()
        self.world.root.set_pool_faults(PoolFaults(censored=censored))

    def _drop_waiting(self, fault: Fault) -> None:
        for transaction in self.world.root.pending():
            self.world.root.drop(transaction.hash)

    def _set_fees(self, fault: Fault) -> None:
        factors = [other.amount for other in self.active.values() if other.kind is FaultKind.FEE_STORM]
        self.world.force_base_fee(max(factors) if factors else None)

    def _steal_nonce(self, fault: Fault) -> None:
        people.spend_nonce(self.world.root, self.world.accounts.submitters[self._machine(fault).index])

    def _drain(self, fault: Fault) -> None:
        account = self.world.accounts.submitters[self._machine(fault).index]
        people.drain(self.world.root, account, self.world.accounts.deployer.address)

    def _fund(self, fault: Fault) -> None:
        account = self.world.accounts.submitters[self._machine(fault).index]
        people.give(self.world.root, self.world.accounts.deployer, account.address, FUNDS_WEI)

    def _change_stake(self, fault: Fault) -> None:
        """A new signer, or more stake; or a validator leaves, if no other may be lost as well."""
        world, source, index = self.world, self._sources[fault.number], self._machine(fault).index
        contracts, owner = world.contracts.root, world.accounts.submitters[index]
        may_be_lost = any(other.kind in LASTING for other in world.plan.faults)
        may_leave = not may_be_lost and not world.leavers
        choice = source.choice(("signer", "restake", "leave") if may_leave else ("signer", "restake"))
        if choice == "signer":
            spare = world.spare_signers_of(index)
            call = encode_call("updateSigner(uint256,bytes)", index + 1, source.choice(spare).public_key)
            people.send(world.root, owner, DeploymentStep("new signer", contracts.stake_manager, call))
        elif choice == "leave":
            world.leavers.add(index)
            call = encode_call("unstakePOL(uint256)", index + 1)
            people.send(world.root, owner, DeploymentStep("leave", contracts.stake_manager, call))
        else:
            amount = Wei(RESTAKE_TOKENS * TOKEN_WEI)
            approve = encode_call("approve(address,uint256)", contracts.stake_manager, amount)
            restake = encode_call("restakePOL(uint256,uint256,bool)", index + 1, amount, False)
            mint = calls.mint(contracts.stake_token, owner.address, amount)
            people.send(world.root, world.accounts.deployer, mint)
            people.send(
                world.root,
                owner,
                DeploymentStep("approve", contracts.stake_token, approve),
                DeploymentStep("restake", contracts.stake_manager, restake),
            )

    # Less than a third

    def _corrupt(self, fault: Fault) -> None:
        machine = self._machine(fault)
        if machine.index not in self.byzantine:
            liar = Byzantine(machine, self._sources[fault.number], self.world)
            self.byzantine[machine.index] = liar
            liar.start()


def _with(faults: EndpointFaults, fault: Fault) -> EndpointFaults:
    """An endpoint's faults with one more."""
    answers = _answers_with(faults.answers, fault)
    match fault.kind:
        case FaultKind.RPC_SLOW:
            return replace(faults, delay_s=max(faults.delay_s, fault.amount))
        case FaultKind.RPC_SILENT:
            return replace(faults, is_silent=True)
        case FaultKind.RPC_CUT:
            return replace(faults, cut_rate=max(faults.cut_rate, fault.amount))
        case FaultKind.RPC_RATE_LIMIT:
            return replace(faults, busy_rate=max(faults.busy_rate, fault.amount), answers=answers)
        case _:
            return replace(faults, answers=answers)


def _answers_with(answers: AnswerFaults, fault: Fault) -> AnswerFaults:
    match fault.kind:
        case FaultKind.RPC_ERRORS:
            return replace(answers, error_rate=max(answers.error_rate, fault.amount))
        case FaultKind.RPC_LAG:
            return replace(answers, hidden_blocks=max(answers.hidden_blocks, int(fault.amount)))
        case FaultKind.RPC_JITTER:
            return replace(answers, height_jitter_blocks=max(answers.height_jitter_blocks, int(fault.amount)))
        case FaultKind.RPC_WRONG_CHAIN:
            return replace(answers, wrong_chain=True)
        case FaultKind.RPC_LIES:
            return replace(answers, lie_rate=max(answers.lie_rate, fault.amount))
        case FaultKind.RPC_EMPTY_LOGS:
            return replace(answers, empty_logs=True)
        case FaultKind.RPC_EMPTY_RECEIPTS:
            return replace(answers, empty_receipts=True)
        case _:
            return answers


_I = FaultInjector
HANDLERS: dict[FaultKind, _Handler] = {
    FaultKind.KILL: _Handler(_I._down, _I._up),
    FaultKind.POWER_LOSS: _Handler(_I._down, _I._up),
    FaultKind.KILL_AT_WRITE: _Handler(_I._arm_write),
    FaultKind.KILL_IN_CALL: _Handler(_I._arm_call),
    FaultKind.PAUSE: _Handler(_I._freeze, _I._thaw),
    FaultKind.BLACKOUT: _Handler(_I._blackout, _I._lights_on),
    FaultKind.CLOCK_OFFSET: _Handler(_I._clock_off, _I._clock_on),
    FaultKind.DISK_FULL: _Handler(_I._set_disk, _I._mend_disk),
    FaultKind.SYNC_ERRORS: _Handler(_I._set_disk, _I._mend_disk),
    FaultKind.TORN_FILE: _Handler(_I._tear),
    FaultKind.OLD_FILE: _Handler(_I._back_up, _I._put_back),
    FaultKind.GOSSIP_LOSS: _Handler(_I._set_network, _I._set_network),
    FaultKind.GOSSIP_DELAY: _Handler(_I._set_network, _I._set_network),
    FaultKind.PROPOSALS_LOST: _Handler(_I._set_network, _I._set_network),
    FaultKind.BLOCKS_LATE: _Handler(_I._set_network, _I._set_network),
    **{kind: _Handler(_I._set_endpoints, _I._set_endpoints) for kind in RPC_KINDS},
    FaultKind.CHAIN_STOPS: _Handler(_I._stop_chain, _I._start_chain),
    FaultKind.CHAIN_REORG: _Handler(_I._reorg),
    FaultKind.CHAIN_REORG_DEEP: _Handler(_I._reorg),
    FaultKind.FEE_STORM: _Handler(_I._set_fees, _I._set_fees),
    FaultKind.POOL_DROPS: _Handler(_I._drop_waiting),
    FaultKind.POOL_STUCK: _Handler(_I._set_pool, _I._set_pool),
    FaultKind.NONCE_STOLEN: _Handler(_I._steal_nonce),
    FaultKind.BALANCE_GONE: _Handler(_I._drain, _I._fund),
    FaultKind.STAKE_CHANGE: _Handler(_I._change_stake),
    FaultKind.BYZANTINE: _Handler(_I._corrupt),
}
"""What each kind does when it begins and, if it lasts, when it ends."""
