"""Tests on real CometBFT nodes; without the binary they are skipped, and say how to get it."""

import pytest

from node.engine.comet.process import find_binary
from node.engine.errors import EngineBinaryError


@pytest.fixture(autouse=True)
def _cometbft() -> None:
    try:
        find_binary("")
    except EngineBinaryError as error:
        pytest.skip(str(error))
