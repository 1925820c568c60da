"""A network of real processes on this machine: `sidewarden localnet`.

    settings    what a localnet is made with, kept in its home
    files       where everything lies
    processes   a process in the background: started, found again by its lock, signalled, stopped
    making      chains, contracts and homes of a new localnet
    chains      the process that serves the embedded chains, from what `served` keeps for it
    nodes       the two processes of a validator
    answers     waiting until chains and validators answer
    anvil       two anvils as the chains
    traffic     the process that relays deposits and sends demo transfers
    bringing_up up
    network     down, and single processes

A localnet has no process of its own: each command finds the others by their files, does its work, and returns.
"""
