"""A whole network on one machine: `sidewarden devnet`.

run        in the terminal, told by story and tale    network    all parts of it, brought up
bootstrap  contracts, stakes, deposits, genesis       chains     two embedded EVMs, served by a child process
control    trouble on purpose                         traffic    demo transfers; exits: a burn that is paid out
"""
