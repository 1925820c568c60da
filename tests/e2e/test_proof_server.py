"""A proof server beside a devnet, as a person starts it: a burn is seen, proved and exited through it alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest

from tests.e2e.process import TEST_S, DevnetProcess, Json, Process, ask, wait_until
from tests.e2e.user import User

pytestmark = [pytest.mark.xdist_group("devnet"), pytest.mark.timeout(TEST_S)]

BURNT_WEI = 2 * 10**18


class ProofServerProcess(Process):
    """A proof server for a devnet's chains."""

    def __init__(self, devnet: DevnetProcess, cache: Path) -> None:
        side, root = devnet.described["side_chain"], devnet.described["root_chains"][0]
        super().__init__(
            "proof-server",
            *("--side-rpc", side["rpc_url"], "--side-confirmations", "2"),
            *("--root-rpc", root["rpc_url"], "--root-confirmations", "2"),
            *("--root-chain", root["contracts"]["RootChain"]),
            *("--root-chain-manager", root["contracts"]["RootChainManager"]),
            *("--cache", str(cache), "--port", "0"),
        )
        self.wait_for("proofs are served")
        line = next(line for line in self.output.splitlines() if "proofs are served" in line)
        self.url = next(word for word in line.split() if word.startswith("api=")).removeprefix("api=")

    def get(self, path: str) -> tuple[int, Json]:
        """What it answers."""
        return ask(self.url + path)


@contextmanager
def proof_server(devnet: DevnetProcess, cache: Path) -> Iterator[ProofServerProcess]:
    """A running one, which must end well."""
    running = ProofServerProcess(devnet, cache)
    try:
        yield running
    finally:
        assert running.end() == 0, running.output


def test_proof_server__beside_a_devnet__takes_a_burn_from_pending_to_exited(
    devnet: DevnetProcess, tmp_path: Path
) -> None:
    user = User(devnet)
    with proof_server(devnet, tmp_path) as server:
        wait_until(lambda: server.get("/ready")[0] == 200)
        burnt = user.send(user.side, user.child_token.functions.withdraw(BURNT_WEI))
        burn = f"/sidewarden/v1/burns/{burnt['transactionHash'].to_0x_hex()}"
        wait_until(lambda: server.get(burn)[1].get("status") in {"PENDING", "NOT_CHECKPOINTED", "READY"})
        wait_until(lambda: server.get(burn)[1].get("status") == "READY")
        status, proof = server.get(f"{burn}/proof")
        assert (status, proof["simulated"]) == (200, True)
        assert proof["payload"] == devnet.get(f"{burn}/proof")["payload"]

        manager = user.contract("RootChainManager")
        assert manager.address.lower() == proof["exit_contract"]
        sent = user.send(user.root, manager.functions.exit(bytes.fromhex(proof["payload"][2:])))
        assert sent["status"] == 1
        wait_until(lambda: server.get(burn)[1].get("status") == "EXITED")
        (on_root,) = cast(list[Json], server.get(burn)[1]["burns"][0]["root_chains"])
        assert on_root["exit"]["transaction_hash"] == sent["transactionHash"].to_0x_hex()
    with proof_server(devnet, tmp_path) as again:
        wait_until(lambda: again.get("/ready")[0] == 200)
        assert again.get(f"{burn}/proof?log_index=0")[1]["payload"] == proof["payload"]
