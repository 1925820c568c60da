"""What a localnet is made with. It is kept in the home, and a later `up` goes on with it."""

import socket
from dataclasses import dataclass, replace
from typing import Literal

import msgspec

from node.devnet.ports import CONTROL_OFFSET, HOST, ROOT_OFFSET, SIDE_OFFSET
from node.devnet.settings import SINGLE_VALIDATOR, VALIDATORS_MAX, VALIDATORS_MIN
from node.localnet.errors import LocalnetSettingsRefused
from node.localnet.files import LocalnetFiles
from node.store.files import write_private

Chains = Literal["embedded", "anvil", "given"]
P2P_OFFSET = 200
PORT_BASES = range(20_000, 29_000, 250)
"""Where free ports are looked for: below those that systems give out by themselves."""


@dataclass(frozen=True, slots=True)
class LocalnetSettings:
    """A localnet. `given` chains are reached by URLs; the files belong to them, and are those of `testnet`."""

    validators: int = VALIDATORS_MIN
    chains: Chains = "embedded"
    data_form: Literal["polygon", "bound"] = "bound"
    api_port: int = 1317
    """The first validator's; 0 takes free ports when the localnet is made."""
    traffic: bool = True
    anvil: str = "anvil"
    root_urls: tuple[str, ...] = ()
    side_urls: tuple[str, ...] = ()
    funded_key_file: str | None = None
    contracts_file: str | None = None
    keystores: str | None = None
    password_file: str | None = None

    def checked(self) -> "LocalnetSettings":
        """These settings, if they can be. Raises LocalnetSettingsRefused."""
        if self.validators != SINGLE_VALIDATOR and not VALIDATORS_MIN <= self.validators <= VALIDATORS_MAX:
            raise LocalnetSettingsRefused(
                f"--validators {self.validators}: take 1, or {VALIDATORS_MIN} to {VALIDATORS_MAX}; "
                "with 2 or 3 one validator would hold a third of the power or more"
            )
        if (self.chains == "given") != bool(self.root_urls and self.side_urls):
            raise LocalnetSettingsRefused("--root-rpc and --side-rpc go together, and instead of --chains")
        if self.chains != "given" and (self.funded_key_file or self.contracts_file):
            raise LocalnetSettingsRefused("--funded-key-file and --contracts are for chains that --root-rpc names")
        if self.contracts_file is None and (self.keystores or self.password_file):
            raise LocalnetSettingsRefused("--keystores and --password-file belong to --contracts")
        if self.contracts_file is not None and not (self.keystores and self.password_file):
            raise LocalnetSettingsRefused("--contracts needs --keystores and --password-file of the registered signers")
        if self.chains == "given" and not (self.funded_key_file or self.contracts_file):
            raise LocalnetSettingsRefused(
                "give --funded-key-file to deploy contracts, or --contracts for those there are"
            )
        return self

    @property
    def root_port(self) -> int:
        """Of the root chain, where it is our own."""
        return self.api_port + ROOT_OFFSET

    @property
    def side_port(self) -> int:
        """Of the side chain, where it is our own."""
        return self.api_port + SIDE_OFFSET

    @property
    def control_port(self) -> int:
        """Of the control URL of embedded chains."""
        return self.api_port + CONTROL_OFFSET

    @property
    def p2p_port(self) -> int:
        """The first validator's port for its peers."""
        return self.api_port + P2P_OFFSET

    @property
    def ports(self) -> tuple[int, ...]:
        """All that the localnet listens on."""
        each = range(self.validators)
        chains = () if self.chains == "given" else (self.root_port, self.side_port, self.control_port)
        return (*(self.api_port + index for index in each), *chains, *(self.p2p_port + index for index in each))


def read_settings(files: LocalnetFiles) -> LocalnetSettings | None:
    """What the home was made with; None for a home that is new. Raises LocalnetSettingsRefused if it is damaged."""
    try:
        return msgspec.json.decode(files.settings.read_bytes(), type=LocalnetSettings)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise LocalnetSettingsRefused(f"{files.settings} is damaged ({error}): give another --home") from error


def settle(files: LocalnetFiles, asked: dict[str, object]) -> LocalnetSettings:
    """The settings of the home, or new ones from what was asked for, which are kept there with free ports.

    A home whose making did not end is made anew. Raises LocalnetSettingsRefused when what was asked for contradicts
    what the home was made with.
    """
    made_with = read_settings(files)
    if made_with is None or not files.description.exists():
        wanted = msgspec.convert(asked, LocalnetSettings).checked()
        chosen = _on_free_ports(wanted)
        files.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(files.settings, msgspec.json.encode(chosen))
        return chosen
    for name, value in asked.items():
        kept = getattr(made_with, name)
        if kept != value and (name, value) != ("api_port", 0):
            option = "--" + name.replace("_", "-")
            raise LocalnetSettingsRefused(
                f"{files.home} was made with {option} {kept} and this start says {value}: "
                "leave the option out, or give another --home"
            )
    return made_with


def _on_free_ports(wanted: LocalnetSettings) -> LocalnetSettings:
    bases = PORT_BASES if wanted.api_port == 0 else (wanted.api_port,)
    busy = 0
    for base in bases:
        chosen = replace(wanted, api_port=base)
        busy = next((port for port in chosen.ports if not _is_free(port)), 0)
        if not busy:
            return chosen
    raise LocalnetSettingsRefused(f"port {busy} is taken: give another --api-port, or --api-port 0 for free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
