"""The log of a simulation: what its nodes log, with the process that speaks, and each event; all at virtual time."""

import asyncio
import logging

from node.simulation.clock import EPOCH_S
from node.simulation.events import Event
from node.simulation.loop import SimulationLoop, running_process
from node.validator.logs import configure_logging

log = logging.getLogger(__name__)


def log_at_virtual_time() -> None:
    """Send it all to standard error."""
    configure_logging("info", "text")
    for handler in logging.getLogger().handlers:
        handler.addFilter(date)


def log_event(event: Event) -> None:
    """Log an event of the simulation as it happens."""
    facts = {"validator": event.validator, "number": event.number, "text": event.text}
    log.info(event.kind.value, extra={name: value for name, value in facts.items() if value not in (None, "")})


def date(record: logging.LogRecord) -> bool:
    """Put the virtual time in a record, and who logs it; a filter that lets everything through."""
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
