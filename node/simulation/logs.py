"""The log of simulated nodes: at virtual time, with the process that speaks."""

import asyncio
import logging

from node.simulation.clock import EPOCH_S
from node.simulation.loop import SimulationLoop, running_process
from node.validator.logs import configure_logging


def log_at_virtual_time(level: str = "info") -> None:
    """Send what all nodes log to standard error."""
    configure_logging(level, "text")
    for handler in logging.getLogger().handlers:
        handler.addFilter(_at_virtual_time)


def _at_virtual_time(record: logging.LogRecord) -> bool:
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return True
    if isinstance(loop, SimulationLoop):
        record.created = EPOCH_S + loop.time()
        process = running_process()
        if process is not None:
            record.by = process.name
    return True
