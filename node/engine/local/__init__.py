"""The local engine: all validators of a network, or those whose keys a home holds, in one process.

engine       the order of everything              block_store  engine.db: blocks before they are executed
handshake    what happens at a start              validators   the set, its turns and its updates
round        a proposal and the votes on it       times        block time from precommits
node         one member: application, mempool     mempool      what waits at one member
chain        where it stands between two blocks   gossip       how it reaches the others
block        a decided block                      pace         when the next block is due
agreement    the comparison of two answers
"""
