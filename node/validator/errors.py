"""Expected errors of a node as a whole, beside those of its parts.

NodeError
├── GenesisUnreadable    GENESIS_UNREADABLE    the file that paths.genesis names cannot be read
├── ApiUnavailable       API_UNAVAILABLE       the API cannot listen where the configuration says
├── KeyInUse             KEY_IN_USE            a signer key is still needed and is not dropped
├── HeightNotHeld        HEIGHT_NOT_HELD       state.db does not have the state at the height of a fork
├── ForkTooEarly         FORK_TOO_EARLY        a checkpoint of the network before a fork may still land
└── ForkMayLand          FORK_MAY_LAND         the same, for ever, and the operator has not accepted it
"""

from typing import ClassVar


class NodeError(Exception):
    """Root of the expected errors of a node as a whole."""

    code: ClassVar[str] = "NODE"


class GenesisUnreadable(NodeError):
    """The genesis file cannot be read."""

    code = "GENESIS_UNREADABLE"


class ApiUnavailable(NodeError):
    """The API cannot listen on its address and port."""

    code = "API_UNAVAILABLE"


class KeyUnknown(NodeError):
    """The home's configuration lists no signer key of that address."""

    code = "KEY_UNKNOWN"


class KeyInUse(NodeError):
    """The state still names a key, or its validator has not left yet."""

    code = "KEY_IN_USE"


class HeightNotHeld(NodeError):
    """The state at the height of a fork is not in state.db."""

    code = "HEIGHT_NOT_HELD"


class ForkTooEarly(NodeError):
    """A checkpoint of the network before a fork may still land, until a time that is named."""

    code = "FORK_TOO_EARLY"


class ForkMayLand(NodeError):
    """A checkpoint of the network before a fork may land at any time, and the operator has not accepted it."""

    code = "FORK_MAY_LAND"
