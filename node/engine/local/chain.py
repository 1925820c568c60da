"""Where the engine stands between two blocks, as a value, and how a block moves it on."""

from dataclasses import dataclass

from node.app.abci import FinalizeBlockResponse
from node.engine.local.block import Block
from node.engine.local.validators import ValidatorSet


@dataclass(frozen=True, slots=True)
class Chain:
    """All that the next block depends on, apart from its transactions.

    `validators` make the block of `height` + 1, `next_validators` the one after it, because an update acts two heights
    after its block. When the last block changed the app hash, one more block follows without waiting for the pulse.
    """

    height: int
    next_time_ns: int
    app_hash: bytes
    app_hash_changed: bool
    validators: ValidatorSet
    next_validators: ValidatorSet

    def after(self, block: Block, response: FinalizeBlockResponse) -> "Chain":
        """The chain with one more block. Raises ValidatorUpdateError if the response asks for an impossible set."""
        updated = self.next_validators.updated(response.validator_updates)
        return Chain(
            height=block.height,
            next_time_ns=block.commit.time_ns,
            app_hash=response.app_hash,
            app_hash_changed=response.app_hash != self.app_hash,
            validators=self.next_validators,
            next_validators=updated.rotated(),
        )
