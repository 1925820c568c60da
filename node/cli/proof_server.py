"""`sidewarden proof-server`."""

from pathlib import Path

import click

from node.cli.errors import told_plainly


@click.command("proof-server")
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    help="File with all settings, in place of the options below; docs/configuration.md has its keys.",
)
@click.option("--side-rpc", multiple=True, help="JSON-RPC URL of the side chain; give it again for a second one.")
@click.option("--root-rpc", multiple=True, help="JSON-RPC URL of the root chain; give it again for a second one.")
@click.option("--root-chain", help="Address of the RootChain contract.")
@click.option("--root-chain-manager", help="Address of RootChainManager; without it nobody knows what was paid out.")
@click.option(
    "--side-confirmations",
    type=click.IntRange(min=0),
    help="Side-chain blocks upon a block until it counts. Left out: once the chain calls it finalized.",
)
@click.option(
    "--root-confirmations",
    type=click.IntRange(min=0),
    help="Root-chain blocks upon a block until it counts. Left out: once the chain calls it finalized.",
)
@click.option("--cache", type=click.Path(path_type=Path), help="Directory to keep proofs in; left out: in memory.")
@click.option("--port", type=click.IntRange(0, 65_535), default=1317, show_default=True, help="Port; 0: a free one.")
def proof_server(
    config_path: Path | None,
    side_rpc: tuple[str, ...],
    root_rpc: tuple[str, ...],
    root_chain: str | None,
    root_chain_manager: str | None,
    side_confirmations: int | None,
    root_confirmations: int | None,
    cache: Path | None,
    port: int,
) -> None:
    """Serve burn proofs from two chains' RPC URLs and a RootChain address; no validator is needed."""
    from config.proof_server import load_proof_server, parse_proof_server
    from node.proof_server.run import run_proof_server

    with told_plainly():
        if config_path is not None:
            if side_rpc or root_rpc or root_chain is not None:
                raise click.UsageError("--config has all settings; leave the other options out")
            run_proof_server(load_proof_server(config_path))
            return
        if not side_rpc or not root_rpc or root_chain is None:
            raise click.UsageError("give --config, or --side-rpc, --root-rpc and --root-chain")
        side = {"rpc_urls": list(side_rpc), **_finality(side_confirmations)}
        root: dict[str, object] = {
            "rpc_urls": list(root_rpc),
            "root_chain": root_chain,
            **_finality(root_confirmations),
        }
        if root_chain_manager is not None:
            root["root_chain_manager"] = root_chain_manager
        table: dict[str, object] = {"side_chain": side, "root_chains": [root], "api": {"port": port}}
        if cache is not None:
            table["cache_dir"] = str(cache)
        run_proof_server(parse_proof_server(table, Path.cwd()))


def _finality(confirmations: int | None) -> dict[str, object]:
    return {} if confirmations is None else {"finality": "depth", "confirmations": confirmations}
