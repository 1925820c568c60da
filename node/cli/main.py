"""The `sidewarden` command: one module per subcommand, each importing what it needs only when it runs."""

import click

from node.cli.burn import burn
from node.cli.devnet import devnet
from node.cli.genesis import genesis
from node.cli.join import join
from node.cli.keys import keys
from node.cli.light import light
from node.cli.localnet import localnet
from node.cli.proof_server import proof_server
from node.cli.signing import signing
from node.cli.simulate import simulate
from node.cli.start import start
from node.cli.status import status
from node.cli.testnet import testnet
from node.cli.version import version


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
def main() -> None:
    """Sidewarden: a checkpoint validator node for EVM sidechains."""


for command in (
    *(burn, devnet, genesis, join, keys, light, localnet, proof_server),
    *(signing, simulate, start, status, testnet, version),
):
    main.add_command(command)
