"""A light client of the engine: what the validators agreed on, without trusting the node that tells it.

- pure: `trust` (what is known for certain), `verifier` (from there to a later header); from a header to the state it is
  `bridge.codec.state_proof`
- I/O: `rpc` (a node's commits, validators and state), `client` (bisection, witnesses), `trust_file` (going on from it)

It starts from a genesis or from one header of which somebody trustworthy said the hash. docs/light-client.md says what
follows from its answers, and what does not.
"""
