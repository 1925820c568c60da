"""How commands end when something expected goes wrong: one line with a stable code and what to do, exit code 1."""

from collections.abc import Generator
from contextlib import contextmanager

import click


@contextmanager
def told_plainly() -> Generator[None]:
    """Turn every expected error of the project into a click error; anything else is a bug and keeps its traceback.

    The codes are those of docs/runbook.md.
    """
    from bridge.burns.errors import BurnError
    from bridge.chain.errors import ChainError
    from bridge.client.errors import ExitError
    from bridge.light.errors import LightError
    from config.errors import ConfigError
    from node.app.errors import AppError
    from node.devnet.settings import DevnetError
    from node.engine.errors import EngineError
    from node.keys.errors import KeysError
    from node.localnet.errors import LocalnetError
    from node.networks.errors import NetworkError
    from node.store.errors import StoreError
    from node.validator.errors import NodeError

    try:
        yield
    except (
        *(AppError, BurnError, ChainError, ConfigError, DevnetError),
        *(EngineError, ExitError, KeysError, LightError, LocalnetError, NetworkError, NodeError, StoreError),
    ) as error:
        raise click.ClickException(f"{error.code}: {error}") from None
