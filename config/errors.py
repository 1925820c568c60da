"""Expected errors of `config`: a node that is not configured so that it can start.

    ConfigError
    ├── ConfigUnreadable          config.toml is missing, open to others, or not TOML
    ├── ConfigInvalid             a key is unknown, missing, or has a value that is not allowed
    ├── ConfigContradictsGenesis  the configuration does not fit the network
    └── ConfigNotEditable         the file is written in a way that a command does not dare to change

The message names the key and what is allowed. It never quotes a value: RPC URLs hold secrets.
"""

from typing import ClassVar


class ConfigError(Exception):
    """Root of the expected errors of `config`."""

    code: ClassVar[str] = "CONFIG"


class ConfigUnreadable(ConfigError):
    """The configuration file cannot be read."""

    code = "CONFIG_UNREADABLE"


class ConfigInvalid(ConfigError):
    """A key is unknown or missing, or its value is not allowed."""

    code = "CONFIG_INVALID"


class ConfigContradictsGenesis(ConfigError):
    """A key does not fit the network that genesis describes."""

    code = "CONFIG_CONTRADICTS_GENESIS"


class ConfigNotEditable(ConfigError):
    """The file is written so that a command cannot change one key of it and leave the rest alone."""

    code = "CONFIG_NOT_EDITABLE"
