"""Expected errors of a node as a whole, beside those of its parts.

NodeError
├── GenesisUnreadable    GENESIS_UNREADABLE    the file that paths.genesis names cannot be read
├── ApiUnavailable       API_UNAVAILABLE       the API cannot listen where the configuration says
└── KeyInUse             KEY_IN_USE            a signer key is still needed and is not dropped
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
