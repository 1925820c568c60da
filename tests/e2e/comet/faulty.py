"""`sidewarden start` with a fault inside: it dies at a moment of a block, lies as a proposer, or misdates its votes.

    python -m tests.e2e.comet.faulty HOME

Everything of consensus passes through the node: calls of the application, and votes and proposals to be signed. So a
file HOME/fault.json, looked at before and after each of them, makes it die there, and with it or instead of it its
CometBFT. Such a fault happens once. Proposals are spoilt, and votes misdated, as long as the file is there.
"""

import os
import signal
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import msgspec

from bridge.chain.clock import SystemClock
from bridge.codec.consensus import Proposal, Vote
from bridge.codec.types import Address
from node.app.abci import (
    CommitResponse,
    FinalizeBlockRequest,
    FinalizeBlockResponse,
    PrepareProposalRequest,
    PrepareProposalResponse,
    ProcessProposalRequest,
    ProcessProposalResponse,
)
from node.app.application import Application
from node.engine.comet.files import CometFiles
from node.keys.signer import SignedVote, Signer
from node.keys.slots import step_of
from node.localnet.nodes import Part
from node.store.errors import DatabaseUnwritable
from node.validator import home, start

Lie = Literal["junk", "duplicate", "reorder", "omit"]
MOMENTS = (
    *("before prepare", "before proposal", "after proposal", "before process", "before prevote", "after prevote"),
    *("before precommit", "after precommit", "before finalize", "after finalize", "before commit", "after commit"),
)
"""In the order of a block; between `before` and `after`, what was to be remembered is on disk."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a node."""

    dies: str | None = None
    """One of MOMENTS."""
    part: Part = "both"
    """What dies then; a node takes its CometBFT along, but not at the same moment."""
    lie: Lie | None = None
    cannot_write: bool = False
    """As when the disk is full at the end of a block."""
    clock_s: float = 0.0
    """How far its clock is ahead."""


class FaultFile:
    """The fault of a home."""

    def __init__(self, validator: Path) -> None:
        """`validator` is the home."""
        self._path = validator / "fault.json"
        self._engine = CometFiles(validator / "comet")

    def set(self, fault: Fault) -> None:
        """Be faulty from now on."""
        new = self._path.with_suffix(".new")
        new.write_bytes(msgspec.json.encode(fault))
        new.replace(self._path)

    def heal(self) -> None:
        """Be no more so."""
        self._path.unlink(missing_ok=True)

    @property
    def is_set(self) -> bool:
        """Whether there is a fault that has not happened yet, or one that goes on."""
        return self._path.exists()

    def get(self) -> Fault:
        """What is wrong now."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Fault)
        except FileNotFoundError:
            return Fault()

    def may_die(self, moment: str) -> None:
        """Die here, or let CometBFT die, if that is the fault."""
        fault = self.get()
        if fault.dies != moment:
            return
        self.heal()
        if fault.part != "node":
            os.kill(int(self._engine.process_id.read_text()), signal.SIGKILL)
        if fault.part != "engine":
            os.kill(os.getpid(), signal.SIGKILL)


FAULT = FaultFile(Path(sys.argv[-1]))


class FaultyApplication(Application):
    """Dies around its calls, and spoils what it proposes."""

    def prepare_proposal(self, request: PrepareProposalRequest) -> PrepareProposalResponse:
        FAULT.may_die("before prepare")
        chosen = super().prepare_proposal(request).txs
        return PrepareProposalResponse(_spoilt(chosen, FAULT.get().lie))

    def process_proposal(self, request: ProcessProposalRequest) -> ProcessProposalResponse:
        FAULT.may_die("before process")
        return super().process_proposal(request)

    def finalize_block(self, request: FinalizeBlockRequest) -> FinalizeBlockResponse:
        FAULT.may_die("before finalize")
        response = super().finalize_block(request)
        FAULT.may_die("after finalize")
        return response

    def commit(self) -> CommitResponse:
        FAULT.may_die("before commit")
        if FAULT.get().cannot_write:
            raise DatabaseUnwritable("the disk is full")
        response = super().commit()
        FAULT.may_die("after commit")
        return response


class FaultySigner(Signer):
    """Dies around consensus signatures, which are made after the record has them; and dates votes wrongly."""

    def sign_vote(self, vote: Vote | Proposal, signer: Address) -> SignedVote:
        step = step_of(vote).name.lower()
        FAULT.may_die(f"before {step}")
        signed = super().sign_vote(replace(vote, time_ns=vote.time_ns + int(FAULT.get().clock_s * 10**9)), signer)
        FAULT.may_die(f"after {step}")
        return signed


class FaultyClock(SystemClock):
    """Is ahead."""

    def now(self) -> float:
        return super().now() + FAULT.get().clock_s


def _spoilt(chosen: tuple[bytes, ...], lie: Lie | None) -> tuple[bytes, ...]:
    match lie:
        case "junk":
            return (*chosen, b"junk")
        case "duplicate":
            return (*chosen, *chosen[:1])
        case "reorder":
            return tuple(reversed(chosen))
        case "omit":
            return ()
    return chosen


if __name__ == "__main__":
    for module, name, replacement in (
        (home, "Application", FaultyApplication),
        (home, "Signer", FaultySigner),
        (start, "SystemClock", FaultyClock),
    ):
        setattr(module, name, replacement)
    start.run_validator(Path(sys.argv[-1]))
