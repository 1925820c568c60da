"""What may happen next, as values that print as sentences and can be replayed."""

from typing import Literal, NamedTuple

from tests.model.state import Header, Log, Other, Reset

Kind = Literal["HEAD", "VALID", "LATE", "INVALID", "QUIET", "STEPS"]
"""LATE is a VALID on the last closed proposal."""


class Say(NamedTuple):
    """These validators' statement is in the engine block being made; `value` is a head, or QUIET's head time."""

    kind: Kind
    who: tuple[int, ...]
    value: int = 0

    def __str__(self) -> str:
        names = ", ".join(f"v{validator}" for validator in self.who)
        about = f" {self.value}" if self.kind == "HEAD" else f" (head at {self.value})" if self.kind == "QUIET" else ""
        return f"{names} say{'s' if len(self.who) == 1 else ''} {self.kind}{about}"


class Propose(NamedTuple):
    """A validator's proposal is in the engine block being made."""

    who: int
    start: int
    end: int
    is_right: bool

    def __str__(self) -> str:
        root = "" if self.is_right else " with a wrong root"
        return f"v{self.who} proposes {self.start} to {self.end}{root}"


class EngineBlock(NamedTuple):
    """The engine block is executed; the next one is some seconds later."""

    seconds: int

    def __str__(self) -> str:
        return f"the engine block is executed; the next one's time is {self.seconds} s later"


class RootBlock(NamedTuple):
    """L1 makes a block some seconds after its last one, with this log."""

    seconds: int
    log: Log | None

    def __str__(self) -> str:
        match self.log:
            case None:
                contents = "empty"
            case Header():
                contents = (
                    f"header {self.log.header}: {self.log.start} to {self.log.end}, proposed in turn {self.log.turn}"
                )
            case Reset():
                contents = f"headers from {self.log.header} on are deleted"
            case Other():
                contents = "with a log that changes nothing"
            case _:
                contents = f"v{self.log.validator} leaves with epoch {self.log.epoch}"
        return f"L1 block {self.seconds} s later: {contents}"


class SideBlock(NamedTuple):
    """The side chain has one more confirmed block."""

    def __str__(self) -> str:
        return "the side chain grows by a block"


Action = Say | Propose | EngineBlock | RootBlock | SideBlock
