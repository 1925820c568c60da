"""Processes that die at the n-th time that something becomes durable."""

from random import Random

from node.simulation.disk.disk import SimulatedDisk
from node.simulation.disk.process import Moment


class Killed(BaseException):
    """The process ends here, in the middle of whatever it does."""


class Killer:
    """An `OnDurable` that counts the moments, and kills at the n-th of them if there is one."""

    def __init__(self, kills_at: int | None = None) -> None:
        self._kills_at = kills_at
        self.moments: list[tuple[str, Moment]] = []

    def kill_in(self, moments: int) -> None:
        """Kill at the n-th moment from now."""
        self._kills_at = len(self.moments) + moments

    def __call__(self, name: str, moment: Moment) -> None:
        self.moments.append((name, moment))
        if len(self.moments) == self._kills_at:
            raise Killed(f"at {moment.value} {name}")


def end(disk: SimulatedDisk, random: Random) -> None:
    """The process of a machine has died: of kill -9, or because the power failed."""
    if random.random() < 0.3:
        disk.kill()
    else:
        disk.crash(random)
