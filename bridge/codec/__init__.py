"""Bytes and proofs: everything that is hashed, signed or sent, as pure functions and frozen values.

- text and bytes: `hexadecimal`, `rlp`, `abi`, `eip712`, `hash`, `secp256k1`
- Ethereum's objects: `header`, `receipts`, `bloom`, `trie`, `transaction`, `events`, `log_data`
- the checkpoint tree and what is built on it: `merkle`, `checkpoint`, `exit_payload`
- the replicated state's: `feed`, `mmr`, `section_tree`, `state_proof`
- the engine's: `protobuf`, `consensus`, `light_block`

Nothing here does I/O or knows the rest of the project. Expected errors are in `errors`, named quantities in `types`.
"""
