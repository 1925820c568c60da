"""What a person may ask of a devnet, and how a home refuses what it was not made for.

DevnetError                 everything below is expected, with words that say what to do
├── SettingsRefused         DEVNET_SETTINGS    an impossible or contradicting option
├── PortBusy                DEVNET_PORT_BUSY   a port is taken
└── ChainsDied              DEVNET_CHAINS_DIED the process that serves the two chains ended
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, cast

from node.store.files import write_private

SINGLE_VALIDATOR = 1
VALIDATORS_MIN = 4
VALIDATORS_MAX = 32

DataForm = Literal["polygon", "bound"]
EngineKind = Literal["local", "comet"]


class DevnetError(Exception):
    """Root of what a devnet refuses or fails with, in words for the person at the terminal."""

    code: ClassVar[str] = "DEVNET"


class SettingsRefused(DevnetError):
    """An option is impossible, or contradicts what the home was made with."""

    code = "DEVNET_SETTINGS"


class PortBusy(DevnetError):
    """A port that the devnet should listen on is taken."""

    code = "DEVNET_PORT_BUSY"


class ChainsDied(DevnetError):
    """The child process that serves the two chains ended while the devnet needed it."""

    code = "DEVNET_CHAINS_DIED"


@dataclass(frozen=True, slots=True)
class DevnetSettings:
    """One run of a devnet.

    `api_port` is the first validator's; 0 takes free ports. `seed` draws keys and traffic only.
    `exit_after_checkpoints` counts acknowledgements since this start.
    """

    home: Path
    validators: int = VALIDATORS_MIN
    data_form: DataForm = "bound"
    exit_after_checkpoints: int | None = None
    api_port: int = 1317
    seed: int = 0
    traffic: bool = True
    engine: EngineKind = "local"
    bridges: bool = True
    """Whether there are the ways across beside demo ERC-20: tests that need none start faster."""

    def __post_init__(self) -> None:
        if self.validators != SINGLE_VALIDATOR and not VALIDATORS_MIN <= self.validators <= VALIDATORS_MAX:
            raise SettingsRefused(
                f"--validators {self.validators}: take 1, or {VALIDATORS_MIN} to {VALIDATORS_MAX}; "
                "with 2 or 3 one validator would hold a third of the power or more"
            )


def remember_settings(settings: DevnetSettings) -> None:
    """Keep in the home what it is made with, or refuse a start that contradicts it.

    Raises SettingsRefused that names both values.
    """
    path = settings.home / "settings.json"
    wanted = {
        "validators": settings.validators,
        "data_form": settings.data_form,
        "seed": settings.seed,
        "engine": settings.engine,
        "bridges": settings.bridges,
    }
    if path.exists():
        made_with = _read_settings(path)
        for name, value in wanted.items():
            if made_with.get(name) != value:
                option = "--" + name.replace("_", "-")
                raise SettingsRefused(
                    f"{settings.home} was made with {option} {made_with.get(name)} and this start says "
                    f"{option} {value}: give the same value, or another --home"
                )
    else:
        settings.home.mkdir(parents=True, exist_ok=True)
        write_private(path, f"{json.dumps(wanted, indent=2)}\n".encode())


def _read_settings(path: Path) -> dict[str, object]:
    try:
        made_with = json.loads(path.read_text())
    except ValueError:
        made_with = None
    if not isinstance(made_with, dict):
        raise SettingsRefused(f"{path} is damaged: give another --home, or remove this one")
    return cast(dict[str, object], made_with)
