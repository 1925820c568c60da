"""Each fault as a sentence of the story."""

from node.simulation.plan import Fault, FaultKind

_SENTENCES = {
    FaultKind.KILL: "{who} is killed",
    FaultKind.POWER_LOSS: "{who} loses power; what was not synced is gone",
    FaultKind.KILL_AT_WRITE: "{who} is to die at its write {amount:.0f} to the disk",
    FaultKind.KILL_IN_CALL: "{who} is to die in its next consensus call",
    FaultKind.PAUSE: "{who} is frozen: it does nothing and does not vote",
    FaultKind.BLACKOUT: "everybody goes down at once",
    FaultKind.CLOCK_OFFSET: "the clock of {who} is wrong by {amount:+.1f} s",
    FaultKind.DISK_FULL: "the disk of {who} is full",
    FaultKind.SYNC_ERRORS: "the disk of {who} fails to sync",
    FaultKind.TORN_FILE: "{who} loses power, and one of its databases is damaged",
    FaultKind.OLD_FILE: "a database of {who} is copied, to be put back later",
    FaultKind.GOSSIP_LOSS: "{amount:.0%} of the transactions between validators are lost",
    FaultKind.GOSSIP_DELAY: "transactions between validators are late by up to {amount:.1f} s",
    FaultKind.PROPOSALS_LOST: "{amount:.0%} of the proposed blocks are lost",
    FaultKind.BLOCKS_LATE: "{who} hears of {amount:.0%} of the blocks late",
    FaultKind.RPC_SLOW: "{endpoint} takes {amount:.1f} s for each answer",
    FaultKind.RPC_SILENT: "{endpoint} does not answer",
    FaultKind.RPC_CUT: "{endpoint} breaks off {amount:.0%} of its answers",
    FaultKind.RPC_ERRORS: "{endpoint} answers {amount:.0%} of the calls with errors",
    FaultKind.RPC_RATE_LIMIT: "{endpoint} refuses {amount:.0%} of the calls as too many",
    FaultKind.RPC_LAG: "{endpoint} is {amount:.0f} blocks behind",
    FaultKind.RPC_JITTER: "{endpoint} answers from other heights, up to {amount:.0f} blocks back",
    FaultKind.RPC_WRONG_CHAIN: "{endpoint} serves another chain",
    FaultKind.RPC_LIES: "{endpoint} lies in {amount:.0%} of its answers",
    FaultKind.RPC_EMPTY_LOGS: "{endpoint} shows no logs",
    FaultKind.RPC_EMPTY_RECEIPTS: "{endpoint} shows no receipts",
    FaultKind.CHAIN_STOPS: "the {chain} chain makes no blocks",
    FaultKind.CHAIN_REORG: "the {chain} chain replaces its {amount:.0f} newest blocks",
    FaultKind.CHAIN_REORG_DEEP: "the {chain} chain replaces {amount:.0f} blocks, more than are waited for",
    FaultKind.FEE_STORM: "gas on the root chain costs {amount:.0f} times as much",
    FaultKind.POOL_DROPS: "the root chain's pool forgets all that waits",
    FaultKind.POOL_STUCK: "the root chain includes nothing of the validators",
    FaultKind.NONCE_STOLEN: "somebody else uses the submission key of {who}",
    FaultKind.BALANCE_GONE: "the submission account of {who} is emptied",
    FaultKind.STAKE_CHANGE: "{who} changes its signer or stake, or leaves",
    FaultKind.BYZANTINE: "{who} does not keep to the rules",
}


def sentence(fault: Fault) -> str:
    """What goes wrong, without when."""
    return _SENTENCES[fault.kind].format(
        who="everybody" if fault.validator is None else f"validator {fault.validator}",
        endpoint=_endpoint(fault),
        chain=fault.chain,
        amount=fault.amount,
    )


def _endpoint(fault: Fault) -> str:
    whose = "each validator" if fault.validator is None else f"validator {fault.validator}"
    which = "every endpoint" if fault.endpoint is None else f"endpoint {fault.endpoint}"
    return f"{which} of {whose} for the {fault.chain} chain"
