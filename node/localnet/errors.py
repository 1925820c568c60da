"""Expected errors of a localnet, in words for the person at the terminal.

LocalnetError
├── LocalnetSettingsRefused  LOCALNET_SETTINGS  an option contradicts what the localnet was made with, or is impossible
├── NoLocalnet               LOCALNET_ABSENT    the home holds no localnet, or no such validator
└── ProcessFailed            LOCALNET_PROCESS   a process ended, or did not do in time what it should
"""

from typing import ClassVar


class LocalnetError(Exception):
    """Root of the expected errors of a localnet."""

    code: ClassVar[str] = "LOCALNET"


class LocalnetSettingsRefused(LocalnetError):
    """An option contradicts what the localnet was made with, or is impossible."""

    code = "LOCALNET_SETTINGS"


class NoLocalnet(LocalnetError):
    """The home holds no localnet, or the localnet has no validator of that number."""

    code = "LOCALNET_ABSENT"


class ProcessFailed(LocalnetError):
    """A process ended, or did not come up in time; the message names its log."""

    code = "LOCALNET_PROCESS"
