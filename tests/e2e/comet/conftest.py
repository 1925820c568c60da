"""Tests on real CometBFT nodes; without the binary they are skipped, and say how to get it."""

from pathlib import Path

import pytest

from node.engine.comet.process import find_binary
from node.engine.errors import EngineBinaryError

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all that is in this folder: `make test` leaves it out, `make e2e` runs nothing else."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.comet)


@pytest.fixture(autouse=True)
def _cometbft() -> None:
    try:
        find_binary("")
    except EngineBinaryError as error:
        pytest.skip(str(error))
