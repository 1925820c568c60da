"""A validator node: the replicated state machine, the engine that orders its blocks, and what one validator does."""
