"""Who answers `sidewarden burn`: a node's API, or the two chains themselves. Both in the API's own JSON."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

import click

from node.cli.client import Answer, get_json

if TYPE_CHECKING:
    import asyncio

    from bridge.burns.report import BurnProof, BurnsReport
    from bridge.client.bridge import Bridge

WAIT_S = 10
"""Of one long poll; shorter than an answer may take."""
FAILURES_MAX = 10
PAUSE_S = 2.0
APPEARS_WITHIN_S = 120.0
"""A transaction that was just sent may not have reached the endpoints yet."""


class Answers(Protocol):
    """Status and proofs of burns."""

    def report(self, transaction: str) -> Answer:
        """All burns of a transaction."""
        ...

    def change(self, transaction: str, version: str) -> Answer:
        """The same once it has another version, or after a while."""
        ...

    def proof(self, transaction: str, log_index: int, root_chain: str | None) -> Answer:
        """The verified exit payload of a burn."""
        ...


@dataclass(frozen=True, slots=True)
class NodeAnswers:
    """A node's API, or a proof server's."""

    api_url: str

    def report(self, transaction: str) -> Answer:
        """All burns of a transaction."""
        return get_json(self.api_url, _path(transaction))

    def change(self, transaction: str, version: str) -> Answer:
        """A long poll. A node that cannot tell for a while is asked again."""
        query = f"?wait_s={WAIT_S}&unless={quote(version, safe='')}"
        for _ in range(FAILURES_MAX - 1):
            try:
                return get_json(self.api_url, _path(transaction) + query)
            except click.ClickException:
                time.sleep(PAUSE_S)
        return get_json(self.api_url, _path(transaction) + query)

    def proof(self, transaction: str, log_index: int, root_chain: str | None) -> Answer:
        """The verified exit payload of a burn."""
        named = "" if root_chain is None else f"&root_chain={quote(root_chain, safe='')}"
        return get_json(self.api_url, f"{_path(transaction)}/proof?log_index={log_index}{named}")


def _path(transaction: str) -> str:
    return f"/sidewarden/v1/burns/{quote(transaction, safe='')}"


@dataclass(frozen=True, slots=True)
class Chains:
    """Two chains to be asked without a server between."""

    side_urls: tuple[str, ...]
    root_urls: tuple[str, ...]
    root_chain: str
    root_chain_manager: str | None
    side_confirmations: int | None
    root_confirmations: int | None


class ChainAnswers:
    """The chains themselves, through `bridge.Bridge`."""

    def __init__(self, runner: "asyncio.Runner", bridge: "Bridge") -> None:
        self._runner = runner
        self._bridge = bridge

    def report(self, transaction: str) -> Answer:
        """All burns of a transaction."""
        return _as_answer(self._runner.run(self._bridge.burns(transaction)))

    def change(self, transaction: str, version: str) -> Answer:
        """The first report with another version, or the last that there can be."""
        from contextlib import aclosing

        async def wait() -> "BurnsReport":
            async with aclosing(self._bridge.watch(transaction)) as reports:
                async for report in reports:
                    if report.version != version:
                        return report
            return report

        return _as_answer(self._runner.run(wait()))

    def proof(self, transaction: str, log_index: int, root_chain: str | None) -> Answer:
        """The verified exit payload of a burn; there is one root chain."""
        return _as_answer(self._runner.run(self._bridge.proof(transaction, log_index)))


@contextmanager
def asking(chains: Chains) -> Iterator[ChainAnswers]:
    """Reach both chains. Raises BurnError, and click's usage error for an option that cannot be."""
    import asyncio
    from contextlib import AsyncExitStack

    from bridge.client.bridge import Bridge

    async def reach(stack: AsyncExitStack) -> Bridge:
        return await stack.enter_async_context(
            Bridge.connect(
                side_rpc=chains.side_urls,
                root_rpc=chains.root_urls,
                root_chain=chains.root_chain,
                root_chain_manager=chains.root_chain_manager,
                side_confirmed="finalized" if chains.side_confirmations is None else chains.side_confirmations,
                root_confirmed="finalized" if chains.root_confirmations is None else chains.root_confirmations,
            )
        )

    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        try:
            bridge = runner.run(reach(stack))
            yield ChainAnswers(runner, bridge)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
        finally:
            runner.run(stack.aclose())


def follow(
    answers: Answers, transaction: str, is_done: Callable[[Answer], bool], tell: Callable[[Answer], None]
) -> Answer:
    """Tell each change of a burn once, until what is waited for is there. Raises a click error where it cannot come."""
    began_s, told = time.monotonic(), ""
    report = answers.report(transaction)
    while True:
        if report["version"] != told:
            told = report["version"]
            tell(report)
        if is_done(report):
            return report
        is_unknown = report["status"] == "NOT_FOUND" and report["block_number"] is None
        if report["status"] == "NOT_FOUND" and not (is_unknown and time.monotonic() - began_s < APPEARS_WITHIN_S):
            raise click.ClickException(f"BURN_NOT_FOUND: {report['text']}")
        report = answers.change(transaction, told)


def _as_answer(value: "BurnsReport | BurnProof") -> Answer:
    """The value in the API's own JSON."""
    from node.api.encoding import to_fields

    return {**to_fields(value), "warning": None}
