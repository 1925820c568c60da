"""What one validator does: small loops that read the committed state and the chains, decide by pure functions, and act.

follow     headers, and from them steps          statements   what to say (pure)
propose    a range and its root                  verdicts     what to say of a proposal
attest     all that the state lacks              reasons      why the next checkpoint is not there (pure)
submit     the agreed checkpoint to L1           readiness    whether anything may be signed
supervisor runs them, restarts them, counts      overview     all of it as one status
"""
