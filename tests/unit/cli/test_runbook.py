"""docs/runbook.md has a section for every code that an operator can meet, and for nothing that does not exist."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.burns.errors import BurnError
from bridge.client.errors import ExitError
from bridge.light.errors import LightError
from config.errors import ConfigError
from node.app.errors import GenesisError, UpgradeNeeded
from node.app.errors import StoreError as StateError
from node.devnet import bootstrap, chains  # noqa: F401 - they define leaves of DevnetError
from node.devnet.settings import DevnetError
from node.duties.status import Reason
from node.engine.errors import (
    EngineBinaryError,
    EngineSettingRefused,
    HaltError,
    NodeKeyError,
    ProtobufSlowError,
    StoreMismatchError,
)
from node.keys.errors import KeyNotHeld, KeystoreError, RecordError, RecordWorkRefused
from node.localnet.errors import LocalnetError
from node.networks.errors import NetworkError
from node.simulation.settings import SettingsRefused
from node.store.errors import StoreError
from node.validator.errors import NodeError

PAGE = Path(__file__).parents[3] / "docs" / "runbook.md"
TREES: tuple[type[Exception], ...] = (
    *(
        BurnError,
        ConfigError,
        DevnetError,
        ExitError,
        HaltError,
        LocalnetError,
        NetworkError,
        NodeError,
        RecordError,
        RecordWorkRefused,
    ),
    *(GenesisError, KeyNotHeld, KeystoreError, LightError, SettingsRefused, StateError, StoreError, StoreMismatchError),
    *(EngineBinaryError, EngineSettingRefused, NodeKeyError, ProtobufSlowError, UpgradeNeeded),
)
ALARMS = {
    *("MISBEHAVIOR", "ENGINE_SET_FROZEN", "APP_SET_FROZEN", "LEAVING_THIRD", "JOINER_OVER_QUARTER"),
    "UPGRADE_PLANNED",
    "CLOCK_UNSURE",
    "VOTE_REFUSED",
}


def _leaves(error: type[Exception]) -> Iterator[type[Exception]]:
    below = error.__subclasses__()
    if not below:
        yield error
    for one in below:
        yield from _leaves(one)


def _codes() -> set[str]:
    return {getattr(leaf, "code") for tree in TREES for leaf in _leaves(tree)}  # noqa: B009 - each tree declares it


def _sections() -> dict[str, str]:
    """The text of each section, by each code in its heading."""
    parts = re.split(r"^### (.+)$", PAGE.read_text(), flags=re.MULTILINE)
    return {code: text for heading, text in zip(parts[1::2], parts[2::2], strict=True) for code in heading.split(", ")}


@pytest.mark.parametrize("reason", list(Reason))
def test_runbook__each_reason__has_a_section(reason: Reason) -> None:
    assert reason.value in _sections()


def test_runbook__reasons__stand_in_their_order_of_precedence() -> None:
    reasons = [reason.value for reason in Reason]

    assert [code for code in _sections() if code in reasons] == reasons


def test_runbook__codes_that_end_a_command_or_stop_signing__have_sections_and_no_other_has() -> None:
    expected = _codes() | {reason.value for reason in Reason} | ALARMS

    assert set(_sections()) == expected


def test_runbook__each_section__says_what_it_means_where_to_look_and_what_to_do() -> None:
    for code, text in _sections().items():
        starts = [line.split(":")[0] for line in text.split("\n## ")[0].splitlines() if line]

        assert starts == ["Means", "Look", "Do"], code
