"""Why an exit was not made, or is not known to be.

    ExitError
    ├── ContractUnfit  EXIT_CONTRACT      no contract that takes exits stands where one is named
    ├── ExitTaken      EXIT_TAKEN         the root chain has taken this exit before
    ├── WrongSender    EXIT_WRONG_SENDER  only the burner can begin a Plasma exit
    ├── FeeTooHigh     EXIT_FEE_TOO_HIGH  the chain asks for more than may be paid
    ├── NotFunded      EXIT_NOT_FUNDED    the sender cannot pay the fee
    ├── NotAccepted    EXIT_NOT_ACCEPTED  no endpoint takes the transaction
    ├── NotMined       EXIT_NOT_MINED     it was sent, and is in no block yet
    └── ExitFailed     EXIT_FAILED        it is in a block, and failed there

That a contract refuses an exit before it is sent is `ExitRefused` of the burns' errors.
"""


class ExitError(Exception):
    """Root of the expected errors of making an exit."""

    code = "EXIT_ERROR"


class ContractUnfit(ExitError):
    """No contract is named, none stands at the address on this chain, or its function makes no exit."""

    code = "EXIT_CONTRACT"


class ExitTaken(ExitError):
    """Whoever exits a second time pays for a transaction that fails."""

    code = "EXIT_TAKEN"


class WrongSender(ExitError):
    """A Plasma exit is begun by the burner; any other may be sent by anybody, and pays the burner."""

    code = "EXIT_WRONG_SENDER"


class FeeTooHigh(ExitError):
    """The next block's base fee and the least tip are above the cap."""

    code = "EXIT_FEE_TOO_HIGH"


class NotFunded(ExitError):
    """The sender's balance is below what the transaction may cost."""

    code = "EXIT_NOT_FUNDED"


class NotAccepted(ExitError):
    """Every endpoint refused the transaction, so it is not on its way."""

    code = "EXIT_NOT_ACCEPTED"


class NotMined(ExitError):
    """The transaction may still come into a block."""

    code = "EXIT_NOT_MINED"


class ExitFailed(ExitError):
    """The transaction was paid for in vain, as when somebody else's exit of the same burn came first."""

    code = "EXIT_FAILED"
