"""Status and exit proofs of burnt tokens, for anybody who can read the chains; no validator is needed."""
