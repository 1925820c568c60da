"""Status and exit proofs of burnt tokens, for anybody who can read the chains; no validator is needed.

service       the door: `BurnService.burns` and `.proof`
views         what it reads: a side chain, and root chains with their contracts
transactions  the burn's transaction, with its block's receipts proved
checkpoints   which checkpoint holds the block;  contracts  reads of the root chain at one block
leaves        the checkpoint's leaves, held against the root that the root chain has
judging       all of that put together for one root chain;  cadence  how long it will still take
payloads      the exit payload, verified before it leaves
report, errors   what is said, and why nothing can be
"""
