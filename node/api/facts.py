"""What one scrape of the metrics reads of a node."""

from contextlib import suppress

from bridge.codec.types import ValidatorId
from node.api.checkpoints import own_part
from node.api.errors import UnavailableError
from node.api.metrics_table import Facts, OwnPart
from node.api.view import NodeView


def facts_of(view: NodeView) -> Facts:
    """The node's values of now."""
    status = view.status()
    own_parts = () if status.validator_id is None else tuple(_own_parts(view, status.validator_id))
    return Facts(status, view.endpoints(), view.verdicts(), own_parts)


def _own_parts(view: NodeView, validator: ValidatorId) -> list[OwnPart]:
    """One per root chain with a checkpoint; none while the history is not there."""
    parts: list[OwnPart] = []
    with suppress(UnavailableError):
        view.archive.catch_up()
        for index, rules in enumerate(view.committed.state.params.root_chains):
            last = view.archive.last(index)
            if last is not None:
                parts.append(OwnPart(rules.name, own_part(view.archive.record(index, last.number), validator)))
    return parts
