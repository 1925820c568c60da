"""The replicated state machine: what every validator computes alike from the same blocks (docs/protocol.md).

Pure and deterministic: no clock, randomness, floats, network or disk; a block's outcome is a function of the state
before it and the block. It imports nothing of ours but `bridge.codec`.

    messages     what validators say, as bytes          application  the ABCI object that engines drive
    genesis      where a network starts                 execution    one block, from state to state
    state        what is hashed                         statements, tallies, feed, staking, checkpoints, turns
    apphash      how it is hashed                       queries      how others read it
"""
