"""What any engine tells an application about the network's start."""

from node.app.abci import InitChainRequest
from node.app.genesis import Genesis

INITIAL_HEIGHT = 1
_NANOSECONDS = 1_000_000_000


def init_chain_request(genesis: Genesis) -> InitChainRequest:
    """InitChain for this genesis. It names no validators: the application answers with those that count."""
    return InitChainRequest(genesis.name, genesis.time_s * _NANOSECONDS, INITIAL_HEIGHT)
