"""Status and exit proofs of burnt tokens, for anybody who can read the chains; no validator is needed.

service       the door: `BurnService.burns` and `.proof`, and what the proof API asks;  watching  waiting for a change
views         what it reads: a side chain, and root chains with their contracts
transactions  the burn's transaction, with its block's receipts proved
kinds         every kind of burn in a receipt
checkpoints   which checkpoint holds the block;  contracts  reads of the root chain at one block
header_index  all checkpoints, from the root chain's logs
blocks        the four fields of a block that its checkpoint commits to
ranges        a checkpoint's blocks, held against the root that the root chain has
doors         which contract takes the exit;  paid, exits, exit_traces  the transaction that it was taken in
judging       all of that put together for one root chain;  cadence  how long it will still take;  reporting  in words
proving       which log is meant, and its proof;  payloads  the exit payload, verified before it leaves
keeping       what outlives a restart;  finished  proofs among it;  sharing  work that many want is done once
report, errors   what is said, and why nothing can be
"""
