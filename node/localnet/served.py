"""What the process of a localnet's embedded chains starts from, for whoever makes a localnet; it imports no EVM."""

import msgspec

from node.devnet.chains import ChainsSettings
from node.devnet.chains_wire import from_line, to_line
from node.localnet.files import LocalnetFiles
from node.store.files import write_private


class ServedChains(msgspec.Struct):
    """The chains, and who controls them; the file is private, for it holds the token."""

    chains: ChainsSettings
    validators: int
    control_port: int
    control_token: str


def write_served(files: LocalnetFiles, served: ServedChains) -> None:
    """Keep what the process starts from."""
    write_private(files.chains_settings, to_line(served))


def read_served(files: LocalnetFiles) -> ServedChains:
    """What was kept."""
    return from_line(files.chains_settings.read_bytes(), ServedChains)
