"""The story in the terminal: what happens, as it happens, and a bar while side-chain blocks gather."""

from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from bridge.chain.outbox import OutboxEvent
from bridge.chain.outbox_store import EntryState, Waiting
from bridge.codec.hexadecimal import to_hex
from bridge.codec.types import Address
from node.devnet.tale import Acknowledged, Due, Happening, NotAcknowledged, Opened, Proposed, Rejected, Signed


class Story:
    """Writes lines to a console; on a real terminal a progress bar stands below them."""

    def __init__(self, console: Console, names: dict[Address, str]) -> None:
        """`names` are how the story calls the validators, by signer."""
        self._console = console
        self._names = names
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=32),
            TextColumn("{task.completed:.0f}/{task.total:.0f} blocks  {task.fields[note]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._gathering: TaskID | None = None

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def say(self, text: str, style: str = "") -> None:
        """One line."""
        self._console.print(text, style=style, highlight=False, soft_wrap=True)

    def gathering(self, have: int, need: int, note: str) -> None:
        """How many side-chain blocks of the next range are there."""
        if self._gathering is None:
            self._gathering = self._bar.add_task("next checkpoint", total=need, note=note)
        self._bar.update(self._gathering, completed=min(have, need), total=need, note=note)

    def tell(self, happening: Happening) -> None:
        """The line of something that the validators did together."""
        text, style = _line(happening, self._name)
        self.say(text, style)

    def tell_submission(self, validator: str, event: OutboxEvent) -> None:
        """The lines of one validator's transaction on its way."""
        before, after = event.before, event.after
        if len(after.attempts) > len(before.attempts) and after.current is not None:
            first = "fills a nonce gap by" if after.current.is_cancel else "submits with L1 transaction"
            verb = "replaces its transaction by" if event.is_replacement else first
            self.say(f"  {validator} {verb} {to_hex(after.current.hash)}")
        if after.state is EntryState.MINED and before.state is not EntryState.MINED and after.inclusion is not None:
            outcome = "" if after.inclusion.succeeded else ", and it failed"
            self.say(f"  mined in L1 block {after.inclusion.block_number}, {after.inclusion.gas_used:,} gas{outcome}")
        if after.waiting is not Waiting.NONE and after.waiting is not before.waiting:
            self.say(f"  {validator} waits: {after.waiting.value}: {after.detail}", "yellow")

    def _name(self, signer: Address) -> str:
        return self._names.get(signer, to_hex(signer))


def _line(happening: Happening, name: Callable[[Address], str]) -> tuple[str, str]:
    match happening:
        case Due():
            return f"turn {happening.turn} is due: {name(happening.proposer)} proposes", "dim"
        case Proposed():
            return (
                f"{name(happening.proposer)} proposes blocks {happening.start} to {happening.end}, "
                f"root {to_hex(happening.root_hash)}",
                "bold",
            )
        case Signed():
            late = " (late)" if happening.is_late else ""
            return f"  validator {happening.validator} signs: {happening.permille / 10:.1f} % of the power{late}", ""
        case Opened():
            share = f"{happening.signatures} signatures, {happening.permille / 10:.1f} % of the power"
            return f"  enough: {share}; header {happening.header_id} may be submitted", ""
        case Acknowledged():
            return (
                f"  ack: header {happening.header_id} with blocks {happening.start} to {happening.end} "
                f"is on the root chain; next proposer: {name(happening.next_proposer)}",
                "bold green",
            )
        case Rejected():
            return (
                f"turn {happening.turn} ended: a third of the power or more calls the proposal wrong; "
                f"next: {name(happening.next_proposer)}",
                "yellow",
            )
        case NotAcknowledged():
            return (
                f"no-ack: turn {happening.turn} ended without a checkpoint; next: {name(happening.next_proposer)}",
                "yellow",
            )
