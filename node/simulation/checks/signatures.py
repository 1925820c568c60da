"""No honest validator ever signs two things for one slot, whatever its disk and its process went through."""

from bridge.codec.types import Address, Signature
from node.app.messages import Attest, Valid
from node.app.opened import OpenedTransaction, TransactionOpener
from node.simulation.checks.check import Check, Violation
from node.simulation.machine import Machine


class NoContradiction(Check):
    """Looks at every transaction that leaves a validator, also at those that never reach a block."""

    def __init__(self, opener: TransactionOpener) -> None:
        self._opener = opener
        self._transactions: dict[tuple[Address, int], bytes] = {}
        self._verdicts: dict[tuple[Address, int, int], Signature] = {}

    def sent(self, machine: Machine, transaction: bytes) -> None:
        """Compare with what the same key has signed for the same slot; signatures are deterministic."""
        opened = self._opener.open(transaction)
        if not isinstance(opened, OpenedTransaction):
            raise Violation("no contradiction", f"validator {machine.index} sends what is none: {opened.name}")
        slot = (opened.sender, opened.nonce)
        if self._transactions.setdefault(slot, transaction) != transaction:
            raise Violation("no contradiction", f"validator {machine.index} signed nonce {opened.nonce} twice")
        if isinstance(opened.message, Attest):
            for statement in opened.message.statements:
                if isinstance(statement, Valid):
                    self._look(machine, opened.sender, statement)

    def _look(self, machine: Machine, signer: Address, verdict: Valid) -> None:
        slot = (signer, verdict.root_chain, verdict.turn)
        if self._verdicts.setdefault(slot, verdict.signature) != verdict.signature:
            text = f"validator {machine.index} signed two checkpoints for turn {verdict.turn}"
            raise Violation("no contradiction", text)
