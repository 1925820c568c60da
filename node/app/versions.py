"""Versions of the rules: what the state machine does in a block, by the version that the state says is in force.

A program has the rules of all versions up to its newest. A later version takes over at the height that the validators
agreed on (docs/protocol.md P1); it is the state that says which one holds, so a replay from the first block, and a node
that starts from a snapshot, execute each block by the rules of its time.
"""

FIRST_VERSION = 1
"""Of every genesis. It is also what the engine is told, for all time: CometBFT has it in each header, and refuses the
blocks of a chain that started with another."""
NEWEST_VERSION = 1
"""The newest that this program has."""
