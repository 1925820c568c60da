"""The two processes of one validator: our node, and CometBFT as its child, which has a session of its own."""

import signal
from dataclasses import dataclass
from typing import Literal

from config.errors import ConfigError
from config.file import load_home
from node.engine.comet.files import CometFiles
from node.localnet.files import LocalnetFiles
from node.localnet.processes import command_line, is_paused, send

Part = Literal["node", "engine", "both"]
State = Literal["up", "paused", "down"]


@dataclass(frozen=True, slots=True)
class NodeState:
    """How a validator's processes are; a process id is None for one that does not run."""

    state: State
    node_pid: int | None
    engine_pid: int | None


def engine_pid(files: LocalnetFiles, index: int) -> int | None:
    """The process id of a validator's CometBFT, which may have outlived its node; None if there is none."""
    try:
        home = load_home(files.validator(index))
        pid = int(CometFiles(home.locate(home.config.engine.comet.home)).process_id.read_text())
    except (ConfigError, OSError, ValueError):
        return None
    return pid if "cometbft" in command_line(pid) else None


def node_state(files: LocalnetFiles, index: int) -> NodeState:
    """How a validator's processes are."""
    pid = files.node(index).pid()
    state: State = "down" if pid is None else "paused" if is_paused(pid) else "up"
    return NodeState(state, pid, engine_pid(files, index))


def signal_parts(files: LocalnetFiles, index: int, number: signal.Signals, part: Part = "both") -> int:
    """Send a signal to one or both processes of a validator; how many there were."""
    seen = node_state(files, index)
    wanted = {"node": (seen.node_pid,), "engine": (seen.engine_pid,), "both": (seen.node_pid, seen.engine_pid)}[part]
    return sum(send(pid, number) for pid in wanted if pid is not None)


def pause(files: LocalnetFiles, index: int) -> int:
    """Stop both processes, so that they do nothing and know nothing of it."""
    return signal_parts(files, index, signal.SIGSTOP)


def resume(files: LocalnetFiles, index: int) -> int:
    """Undo a pause."""
    return signal_parts(files, index, signal.SIGCONT)
