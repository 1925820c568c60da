"""The event loop of a simulation: virtual time, and processes that can be killed or frozen between any two steps.

Nothing waits: when nobody has anything to do, time jumps to the next timer. Whatever a task schedules carries the
`Process` it was started in (a context variable, which asyncio hands on by itself), so a kill needs no help from the
code that is killed: its steps are simply not run any more, and no `finally` is reached.
"""

import asyncio
import gc
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from typing import Any, TypeVar, TypeVarTuple

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")

DISPOSAL_STEPS_MAX = 100_000


class Deadlock(Exception):
    """Nobody has anything to do, now or later: a bug of whoever waits."""


class ProcessKilled(BaseException):
    """Unwinds a call into a process that was killed inside it; no `except Exception` holds it up."""


class Process:
    """One run of a program, from its start to its end. Use `SimulationLoop.start`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_alive = True
        self.is_frozen = False
        self.held: list[asyncio.Handle] = []
        """Steps that were not run: a frozen process goes on with them, a dead one never does."""

    def __repr__(self) -> str:
        return f"Process({self.name})"

    @property
    def runs(self) -> bool:
        """Whether its steps are run."""
        return self.is_alive and not self.is_frozen

    def kill(self) -> None:
        """End it here and now, as SIGKILL does."""
        self.is_alive = False

    def freeze(self) -> None:
        """Stop it where it stands, as SIGSTOP does."""
        self.is_frozen = True


_PROCESS: ContextVar[Process | None] = ContextVar("process", default=None)


def running_process() -> Process | None:
    """The process whose step runs now; None: the world itself."""
    return _PROCESS.get()


class SimulationLoop(asyncio.BaseEventLoop):
    """An event loop without a machine behind it. `time` starts at 0 and is in seconds."""

    # What BaseEventLoop keeps; its stubs do not say so.
    _ready: deque[asyncio.Handle]
    _scheduled: list[asyncio.TimerHandle]

    def __init__(self) -> None:
        super().__init__()
        self._now_s = 0.0
        self._tasks: list[asyncio.Task[Any]] = []
        self._processes: list[Process] = []
        self.steps = 0
        """How many steps were run: of tasks, callbacks and timers."""
        self.failures: list[BaseException] = []
        """Exceptions that nobody took: bugs."""
        self.set_task_factory(self._make_task)
        self.set_exception_handler(self._note_failure)

    def time(self) -> float:
        """Virtual seconds since the beginning."""
        return self._now_s

    def start(self, process: Process, main: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Run a coroutine, and all that comes of it, as a process."""
        context = copy_context()
        context.run(_PROCESS.set, process)
        self._processes.append(process)
        return self.create_task(main, context=context)

    def outside_later(self, delay_s: float, callback: Callable[[], object]) -> None:
        """Call back later, outside of the process that asks for it, whose death then does not matter."""
        self.call_later(delay_s, callback, context=Context())

    def thaw(self, process: Process) -> None:
        """Let a frozen process go on."""
        process.is_frozen = False
        if process.is_alive:
            self._ready.extend(process.held)
            process.held.clear()

    def settle(self) -> None:
        """Forget what is done, so that errors which nobody took become failures."""
        self._tasks = [task for task in self._tasks if not task.done()]
        gc.collect()

    def dispose(self) -> None:
        """End everything that is left, so that nothing of it runs later, and close the loop."""
        self.set_exception_handler(lambda _, __: None)
        for process in self._processes:
            process.is_alive, process.is_frozen = True, False
            self._ready.extend(process.held)
            process.held.clear()
        for _ in range(DISPOSAL_STEPS_MAX):
            left = [task for task in self._tasks if not task.done()]
            if not left:
                break
            for task in left:
                task.cancel()
            self.run_until_complete(asyncio.sleep(0))
        self.run_until_complete(self.shutdown_asyncgens())
        self._tasks.clear()
        self.close()

    def run_in_executor(  # type: ignore[override] # there are no threads, so no executor is taken
        self, executor: None, func: Callable[[*Arguments], Result], *args: *Arguments
    ) -> "asyncio.Future[Result]":
        """Run it at once: in a simulation a thread is no faster, and would not be deterministic."""
        done: asyncio.Future[Result] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - it is the caller's, as with a thread
            done.set_exception(error)
        return done

    def _make_task(
        self, loop: asyncio.AbstractEventLoop, coroutine: Any, context: Context | None = None, **names: Any
    ) -> "asyncio.Task[Any]":
        task = asyncio.Task(coroutine, loop=loop, context=context, **names)
        if len(self._tasks) > 4_096:
            self._tasks = [one for one in self._tasks if not one.done()]
        self._tasks.append(task)
        return task

    def _note_failure(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if error is None:
            self.failures.append(RuntimeError(str(context.get("message"))))
        elif not isinstance(error, ProcessKilled):
            self.failures.append(error)

    def _run_once(self) -> None:
        """Run what is ready now; or, if nothing is, go to the next timer."""
        ready, timers = self._ready, self._scheduled
        if not ready:
            while timers and timers[0].cancelled():
                heapq.heappop(timers)
            if not timers:
                raise Deadlock("everybody waits, and no timer runs")
            self._now_s = max(self._now_s, timers[0].when())
        while timers and timers[0].when() <= self._now_s:
            timer = heapq.heappop(timers)
            if not timer.cancelled():
                ready.append(timer)
        for _ in range(len(ready)):
            handle = ready.popleft()
            if handle.cancelled():
                continue
            process = handle._context.get(_PROCESS)  # type: ignore[attr-defined] # public from Python 3.12 on
            if process is None or process.runs:
                self.steps += 1
                handle._run()
            else:
                process.held.append(handle)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Nothing to count: cancelled timers are dropped when they come due."""

    def _write_to_self(self) -> None:
        """Nobody else runs, so nobody has to be woken."""

    def _process_events(self, event_list: Any) -> None:
        """There is no I/O."""
