"""The chains of the simulator: an EVM-less chain that costs microseconds, and what its RPC endpoints answer.

model      the chain: blocks, pool, state at every height, reorgs; making: one block of it
state      values by key, as of every block
execution  one transaction or call among model contracts; processing: who pays; gas: how much
abi        call data as Solidity reads it, and what it writes
contracts  our contracts, modelled function by function
worlds     both chains with the bootstrap done, over models or over the real contracts
rpc        what an endpoint answers, faults included; lies: an answer wrong in one place
"""
