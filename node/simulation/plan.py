"""The faults of a seed, drawn before anything runs: what goes wrong, when, for how long, and for whom.

The seed first draws which kinds of fault there are at all, then the faults: mixes of few kinds find what a mix of all
would hide. Each fault draws what it needs from a source of its own, so that leaving one out changes no other.
"""

import random
from dataclasses import dataclass
from enum import StrEnum

from bridge.codec.checkpoint import DataForm
from node.simulation.settings import ROOT, SIDE, SimulationSettings

FAULTS_MAX = 64


class FaultKind(StrEnum):
    """What can go wrong. The name is what the story, the plot and the statistics show."""

    # A validator's process and machine.
    KILL = "kill"
    POWER_LOSS = "power loss"
    KILL_AT_WRITE = "kill at a write"
    KILL_IN_CALL = "kill in a consensus call"
    PAUSE = "pause"
    BLACKOUT = "everybody down"
    CLOCK_OFFSET = "clock off"
    # Its disk.
    DISK_FULL = "disk full"
    SYNC_ERRORS = "sync errors"
    TORN_FILE = "torn file"
    OLD_FILE = "old file"
    # The engine's network.
    GOSSIP_LOSS = "gossip lost"
    GOSSIP_DELAY = "gossip late"
    PROPOSALS_LOST = "proposals lost"
    BLOCKS_LATE = "blocks late"
    # RPC endpoints.
    RPC_SLOW = "RPC slow"
    RPC_SILENT = "RPC silent"
    RPC_CUT = "RPC cut"
    RPC_ERRORS = "RPC errors"
    RPC_RATE_LIMIT = "RPC rate limit"
    RPC_LAG = "RPC behind"
    RPC_JITTER = "RPC of many heights"
    RPC_WRONG_CHAIN = "RPC of another chain"
    RPC_LIES = "RPC lies"
    RPC_EMPTY_LOGS = "RPC empty logs"
    RPC_EMPTY_RECEIPTS = "RPC empty receipts"
    # The chains.
    CHAIN_STOPS = "chain stops"
    CHAIN_REORG = "reorg"
    CHAIN_REORG_DEEP = "deep reorg"
    # The root chain's market.
    FEE_STORM = "fee storm"
    POOL_DROPS = "pool drops"
    POOL_STUCK = "pool stuck"
    NONCE_STOLEN = "nonce stolen"
    BALANCE_GONE = "balance gone"
    # Stake and signers, which are no faults, but change the set while things go wrong.
    STAKE_CHANGE = "stake change"
    # Less than a third of the power.
    BYZANTINE = "byzantine"


RPC_KINDS = tuple(kind for kind in FaultKind if kind.value.startswith("RPC"))
DISK_KINDS = (FaultKind.DISK_FULL, FaultKind.SYNC_ERRORS, FaultKind.TORN_FILE, FaultKind.OLD_FILE)
LASTING = (FaultKind.BYZANTINE, FaultKind.TORN_FILE, FaultKind.OLD_FILE)
"""What a validator may not recover from by itself: all of them together hit less than a third of the power."""
OF_ONE_VALIDATOR = frozenset(
    {
        *(FaultKind.KILL, FaultKind.POWER_LOSS, FaultKind.KILL_AT_WRITE, FaultKind.KILL_IN_CALL, FaultKind.PAUSE),
        *(FaultKind.CLOCK_OFFSET, *DISK_KINDS, FaultKind.NONCE_STOLEN, FaultKind.BALANCE_GONE, FaultKind.STAKE_CHANGE),
        *(FaultKind.BLOCKS_LATE, FaultKind.BYZANTINE),
    }
)
MOMENTARY = frozenset(
    {FaultKind.CHAIN_REORG, FaultKind.CHAIN_REORG_DEEP, FaultKind.NONCE_STOLEN, FaultKind.STAKE_CHANGE}
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong. Times are virtual seconds; what is None does not matter to the kind."""

    number: int
    """Its name within the seed: `--faults 3,7` keeps these two."""
    kind: FaultKind
    at_s: float
    for_s: float
    validator: int | None = None
    """None: all of them."""
    chain: str | None = None
    endpoint: str | None = None
    """"a" or "b"; None: both of a validator's endpoints."""
    amount: float = 0.0
    """Seconds, blocks, a share or a factor, as `describe` says."""

    @property
    def until_s(self) -> float:
        """When it is over."""
        return self.at_s + self.for_s

    def source(self, seed: int) -> random.Random:
        """What it draws from while it lasts."""
        return random.Random(f"{seed} fault {self.number}")

    def describe(self) -> str:
        """The fault in words."""
        where = "" if self.chain is None else f" {self.chain}"
        who = ""
        if self.kind in OF_ONE_VALIDATOR or self.kind in RPC_KINDS:
            who = " of all" if self.validator is None else f" of validator {self.validator}"
        if self.kind in RPC_KINDS and self.endpoint is not None:
            who += f" endpoint {self.endpoint}"
        how_much = _AMOUNTS.get(self.kind, "").format(self.amount)
        span = f"{self.at_s:.0f} s" if self.kind in MOMENTARY else f"{self.at_s:.0f}–{self.until_s:.0f} s"
        return f"#{self.number} {span}: {self.kind.value}{where}{who}{how_much}"


_AMOUNTS = {
    FaultKind.KILL_AT_WRITE: ", at write {:.0f}",
    FaultKind.CLOCK_OFFSET: ", by {:.1f} s",
    FaultKind.GOSSIP_LOSS: ", {:.0%}",
    FaultKind.GOSSIP_DELAY: ", up to {:.1f} s",
    FaultKind.PROPOSALS_LOST: ", {:.0%}",
    FaultKind.BLOCKS_LATE: ", {:.0%}",
    FaultKind.RPC_SLOW: ", {:.1f} s",
    FaultKind.RPC_ERRORS: ", {:.0%}",
    FaultKind.RPC_CUT: ", {:.0%}",
    FaultKind.RPC_RATE_LIMIT: ", {:.0%}",
    FaultKind.RPC_LAG: ", {:.0f} blocks",
    FaultKind.RPC_JITTER: ", up to {:.0f} blocks",
    FaultKind.RPC_LIES: ", {:.0%}",
    FaultKind.CHAIN_REORG: ", {:.0f} blocks",
    FaultKind.CHAIN_REORG_DEEP: ", {:.0f} blocks",
    FaultKind.FEE_STORM: ", times {:.0f}",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a seed has drawn."""

    seed: int
    data_form: DataForm
    chaos_s: int
    faults: tuple[Fault, ...]
    """Ascending by time."""

    def only(self, numbers: frozenset[int]) -> "Plan":
        """The same seed with these faults alone."""
        kept = tuple(fault for fault in self.faults if fault.number in numbers)
        return Plan(self.seed, self.data_form, self.chaos_s, kept)


def draw_plan(seed: int, settings: SimulationSettings) -> Plan:
    """The faults of a seed."""
    source = random.Random(f"{seed} plan")
    form = source.choice((DataForm.BOUND, DataForm.BOUND, DataForm.POLYGON))
    if settings.data_form is not None:
        form = settings.data_form
    faults = _draw_faults(source, settings) if settings.faults else []
    ordered = sorted(faults, key=lambda fault: (fault.at_s, fault.number))
    return Plan(seed, form, settings.trouble_s, tuple(ordered))


def _draw_faults(source: random.Random, settings: SimulationSettings) -> list[Fault]:
    enabled = source.sample(_COMMON, source.randint(2, 7))
    # What may end the network for good, or takes a validator out, is drawn in few seeds, so that it hides little.
    enabled += [kind for kind, share in _RARE.items() if source.random() < share]
    count = source.randint(len(enabled), min(FAULTS_MAX, 3 * len(enabled)))
    victims = _lasting_victims(source, settings.validators)
    faults = [_draw_fault(number, source, enabled, victims, settings) for number in range(1, count + 1)]
    liars: set[int | None] = set()
    kept: list[Fault] = []
    for fault in faults:
        if fault.kind is not FaultKind.BYZANTINE:
            kept.append(fault)
        elif fault.validator not in liars:  # nobody lies twice
            liars.add(fault.validator)
            kept.append(fault)
    return kept


def _lasting_victims(source: random.Random, validators: int) -> list[int]:
    """Who may be lost for good: fewer than a third, also by power (stakes differ by less than a half)."""
    return source.sample(range(validators), max(0, (validators - 1) // 4) if validators > 4 else validators // 4)


def _draw_fault(
    number: int, source: random.Random, enabled: list[FaultKind], victims: list[int], settings: SimulationSettings
) -> Fault:
    kind = source.choice(enabled)
    chaos_s, block_s = settings.trouble_s, settings.pace.root_chain.block_time_s
    at_s = round(source.uniform(0, 0.9 * chaos_s), 1)
    longest_s = min(chaos_s - at_s, source.choice((8, 30, 90)) * block_s / 2)
    for_s = 0.0 if kind in MOMENTARY else round(source.uniform(0.5 * block_s, max(block_s, longest_s)), 1)
    validator: int | None = None
    if kind in LASTING:
        validator = source.choice(victims) if victims else None
        at_s, for_s = (0.0, float(chaos_s)) if kind is FaultKind.BYZANTINE else (at_s, for_s)
    elif kind in OF_ONE_VALIDATOR:
        validator = source.randrange(settings.validators)
    elif kind in RPC_KINDS:
        validator = None if source.random() < 0.3 else source.randrange(settings.validators)
    return Fault(
        number=number,
        kind=kind,
        at_s=at_s,
        for_s=for_s,
        validator=validator,
        chain=source.choice((ROOT, SIDE)) if kind in RPC_KINDS or kind.value.endswith(("stops", "reorg")) else None,
        endpoint=source.choice(("a", "b", None, None)) if kind in RPC_KINDS else None,
        amount=_amount(kind, source, settings),
    )


def _amount(kind: FaultKind, source: random.Random, settings: SimulationSettings) -> float:
    block_s, confirmations = settings.pace.root_chain.block_time_s, settings.pace.root_chain.confirmations
    match kind:
        case FaultKind.KILL_AT_WRITE:
            return source.randint(1, 40)
        case FaultKind.CLOCK_OFFSET:
            return source.choice((-1, 1)) * round(source.uniform(1, 10 * block_s), 1)
        case FaultKind.GOSSIP_LOSS | FaultKind.PROPOSALS_LOST | FaultKind.BLOCKS_LATE | FaultKind.RPC_CUT:
            return round(source.uniform(0.05, 0.8), 2)
        case FaultKind.RPC_ERRORS | FaultKind.RPC_RATE_LIMIT | FaultKind.RPC_LIES:
            return round(source.uniform(0.02, 1.0), 2)
        case FaultKind.GOSSIP_DELAY | FaultKind.RPC_SLOW:
            return round(source.uniform(0.2, 4 * block_s), 1)
        case FaultKind.RPC_LAG | FaultKind.RPC_JITTER:
            return source.randint(1, 20)
        case FaultKind.CHAIN_REORG:
            return source.randint(1, max(1, confirmations))
        case FaultKind.CHAIN_REORG_DEEP:
            return source.randint(confirmations + 1, 4 * confirmations + 4)
        case FaultKind.FEE_STORM:
            return source.choice((10, 100, 1_000))
        case _:
            return 0.0


_RARE = {
    FaultKind.BYZANTINE: 0.25,
    FaultKind.CHAIN_REORG_DEEP: 0.08,
    FaultKind.TORN_FILE: 0.08,
    FaultKind.OLD_FILE: 0.08,
    FaultKind.BLACKOUT: 0.1,
}
_COMMON = [kind for kind in FaultKind if kind not in _RARE]
