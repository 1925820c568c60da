"""Ethereum JSON-RPC over HTTP on loopback, as geth speaks it, for embedded chains, with faults on demand.

faults.py      how a chain's RPC misbehaves, and for whom
server.py      HTTP; who calls decides which faults there are
documents.py   calls and batches from bytes to bytes, within limits
methods.py     the methods of one block, transaction or account
ranges.py      the methods that read many blocks, a piece at a time
view.py        the chain as of some blocks below its head
parameters.py  strict reading of what a client sends
encoding.py    our types as geth's JSON
errors.py      the one error, with JSON-RPC's codes
"""
