"""Expected errors of making a network, in words for the person at the terminal.

NetworkError
├── DeploymentFailed    NETWORK_DEPLOYMENT  a transaction of the deployment failed, or was not mined in time
├── ContractsUnfit      NETWORK_CONTRACTS   no network can start from the contracts as they are
├── OutputRefused       NETWORK_OUTPUT      the directory to write to is in use
└── SettingsImpossible  NETWORK_SETTINGS    an option is impossible, or contradicts another
"""

from typing import ClassVar


class NetworkError(Exception):
    """Root of the expected errors of making a network."""

    code: ClassVar[str] = "NETWORK"


class DeploymentFailed(NetworkError):
    """A transaction of the deployment failed, was refused, or was not mined in time."""

    code = "NETWORK_DEPLOYMENT"


class ContractsUnfit(NetworkError):
    """The contracts, or the file that names them, are not such that a network can start from them."""

    code = "NETWORK_CONTRACTS"


class OutputRefused(NetworkError):
    """The directory to write to holds something already."""

    code = "NETWORK_OUTPUT"


class SettingsImpossible(NetworkError):
    """An option is impossible, or contradicts another."""

    code = "NETWORK_SETTINGS"
