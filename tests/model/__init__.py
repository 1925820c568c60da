"""An explicit-state model of the turn machinery (docs/model.md), explored to its bounds and replayed.

state.py       what the model knows: the replicated state, L1, the side chain
rules.py       the rules of docs/protocol.md, one method each, which a mutant replaces
world.py       what may happen next: validators speak, blocks come, L1 includes
scenarios.py   small worlds with their bounds
properties.py  what must hold over every transition
fair.py        the fair schedule: from every state it must lead to an ack
explore.py     breadth first, and by random walks; the shortest counterexample
mutants.py     broken rules, each of which a property or the schedule must catch
replay.py      the same actions on the real application, compared block by block
"""
