"""One validator as a program.

home       its files and keys, opened            start      `sidewarden start`
validator  its chains and duties, wired          logs       what it writes
signers    its signer keys, for `sidewarden keys`, and key_use: what the state needs a key for
"""
