"""One devnet on real time for the tests that only look at it, or put right what they break."""

from collections.abc import Iterator

import pytest

from tests.e2e.process import DevnetProcess, running_devnet


@pytest.fixture(scope="session")
def devnet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevnetProcess]:
    """Started as the README says. All that use it are in one xdist group, so that there is one."""
    with running_devnet(tmp_path_factory.mktemp("devnet")) as running:
        yield running
