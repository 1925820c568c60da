"""What a person does with a localnet that is there: down, and trouble for single validators. `bringing_up` has `up`."""

import signal
import sys

from node.localnet.errors import NoLocalnet
from node.localnet.files import CHAINS, TRAFFIC, LocalnetFiles
from node.localnet.nodes import engine_pid
from node.localnet.processes import Process, send, stop
from node.localnet.settings import LocalnetSettings, read_settings

NODE_GRACE_S = 8.0
HELPER_GRACE_S = 5.0


def start_node(files: LocalnetFiles, index: int) -> None:
    """Start a validator unless it runs; its CometBFT is its child."""
    files.node(index).start((sys.executable, "-m", "node.cli", "start", "--home", str(files.validator(index))))


def down(files: LocalnetFiles) -> tuple[str, ...]:
    """Stop everything, the chains last; the names of those that had to be killed. Raises ProcessFailed."""
    settings = made_with(files)
    killed = stop([files.process(TRAFFIC)], HELPER_GRACE_S)
    for index in range(settings.validators):
        _wake_engine(files, index)
    killed += stop([files.node(index) for index in range(settings.validators)], NODE_GRACE_S)
    for index in range(settings.validators):
        left = engine_pid(files, index)
        if left is not None:  # its node was killed; it ends by itself then, but not before we return
            send(left, signal.SIGKILL)
    return killed + stop([files.process(name) for name in CHAINS], HELPER_GRACE_S)


def made_with(files: LocalnetFiles) -> LocalnetSettings:
    """The settings of a localnet that is there. Raises NoLocalnet."""
    settings = read_settings(files)
    if settings is None:
        raise NoLocalnet(f"{files.home} holds no localnet: run `sidewarden localnet up --home {files.home}`")
    return settings


def require_validator(files: LocalnetFiles, index: int) -> None:
    """Raises NoLocalnet if there is no validator of that number."""
    count = made_with(files).validators
    if not 0 <= index < count:
        raise NoLocalnet(f"there is no validator {index}: they are 0 to {count - 1}")


def process_named(files: LocalnetFiles, name: str) -> Process:
    """A process by its name, or a validator's by its number. Raises NoLocalnet."""
    if name.isascii() and name.isdigit():
        require_validator(files, int(name))
        return files.node(int(name))
    known = sorted(path.stem for path in (files.home / "logs").glob("*.log"))
    if name not in known:
        raise NoLocalnet(f"no process {name!r} has run here; there are {', '.join(known) or 'none'}")
    return files.process(name)


def _wake_engine(files: LocalnetFiles, index: int) -> None:
    pid = engine_pid(files, index)
    if pid is not None:
        send(pid, signal.SIGCONT)
