"""What a home must wait for before it starts a fork of its network."""

from bridge.codec.checkpoint import DataForm
from node.app.carried import decode_carried
from node.app.genesis import Genesis
from node.validator.errors import ForkMayLand, ForkTooEarly


def refuse_early_start(genesis: Genesis, now_s: float, *, accepts_risk: bool) -> None:
    """Refuse the first start of a fork while a checkpoint of the network before it could still land.

    A bound one cannot once its last valid time is past on L1, confirmations included. A polygon one may land for ever:
    that is for the operator to accept. Raises ForkTooEarly, ForkMayLand.
    """
    carried = decode_carried(genesis.carried)
    if carried is None:
        return
    for root_chain, book in zip(genesis.root_chains, carried.proposals, strict=True):
        parameters = root_chain.parameters
        if not book.closed:
            continue
        if parameters.data_form is DataForm.POLYGON and not accepts_risk:
            ranges = ", ".join(f"{one.start} to {one.end}" for one in book.closed)
            raise ForkMayLand(
                f"{parameters.name}: checkpoints of the network before may still land ({ranges}); "
                "if the operators accept that, start with --accept-risk"
            )
        last_s = max(one.valid_until for one in book.closed) + parameters.confirmation_lag_s
        if parameters.data_form is DataForm.BOUND and now_s <= last_s:
            raise ForkTooEarly(
                f"{parameters.name}: a checkpoint of the network before may land for another {last_s - now_s:.0f} s; "
                "start after that"
            )
