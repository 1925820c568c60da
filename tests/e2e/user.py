"""A user of a devnet's bridge, with web3 and the contracts' ABI and none of our codecs."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from eth_account import Account as EthAccount
from web3 import HTTPProvider, Web3
from web3.exceptions import Web3RPCError

from tests.e2e.process import DevnetProcess

ARTIFACTS = Path(__file__).parents[2] / "contracts" / "artifacts"
GAS = 1_000_000
PAY_GAS = 21_000
SEND_ATTEMPTS = 10
NONCE_TAKEN = ("nonce too low", "underpriced", "already known")
RECEIPT_S = 30

Contract = Any
"""web3 makes a contract's functions from its ABI when it runs."""


@dataclass(frozen=True)
class User:
    """Somebody with tokens on the side chain, and with web3."""

    devnet: DevnetProcess
    index: int = 1
    """Which of the devnet's accounts. The first one exits burns of its own, for the story."""

    @cached_property
    def account(self) -> Any:
        return EthAccount.from_key(self.devnet.described["accounts"][self.index]["private_key"])

    @cached_property
    def side(self) -> Web3:
        return Web3(HTTPProvider(self.devnet.described["side_chain"]["rpc_url"]))

    @cached_property
    def root(self) -> Web3:
        return Web3(HTTPProvider(self.devnet.described["root_chains"][0]["rpc_url"]))

    def contract(self, name: str, artifact: str | None = None) -> Contract:
        """A root-chain contract."""
        return _contract(self.root, self.devnet.described["root_chains"][0], name, artifact or name)

    @cached_property
    def child_token(self) -> Contract:
        return _contract(self.side, self.devnet.described["side_chain"], "DemoToken", "ChildERC20")

    def send(self, chain: Web3, call: Contract) -> Any:
        """Send a call and wait for its receipt."""
        return self._send(chain, lambda fields: call.build_transaction({**fields, "gas": GAS}))

    def pay(self, chain: Web3, to: str, value_wei: int) -> Any:
        """Send the chain's own coin and wait for the receipt."""
        fees = {"maxFeePerGas": 2 * chain.eth.gas_price, "maxPriorityFeePerGas": chain.eth.max_priority_fee}
        fixed = {"to": to, "value": value_wei, "gas": PAY_GAS, "chainId": chain.eth.chain_id, **fees}
        return self._send(chain, lambda fields: {**fields, **fixed})

    def status(self, burn: str) -> str:
        """What a validator says of a burn."""
        return str(self.devnet.get(f"/sidewarden/v1/burns/{burn}", validator=1)["status"])

    def _send(self, chain: Web3, build: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
        """The demo traffic uses this account's nonces too, so try again."""
        for _ in range(SEND_ATTEMPTS):
            nonce = chain.eth.get_transaction_count(self.account.address, "pending")
            signed = self.account.sign_transaction(build({"from": self.account.address, "nonce": nonce}))
            try:
                sent = chain.eth.send_raw_transaction(signed.raw_transaction)
            except Web3RPCError as refusal:
                if not any(words in str(refusal) for words in NONCE_TAKEN):
                    raise
                continue
            return chain.eth.wait_for_transaction_receipt(sent, RECEIPT_S, 0.2)
        raise AssertionError("the nonce was always taken")


def _contract(chain: Web3, described: Any, name: str, artifact: str) -> Contract:
    abi = json.loads((ARTIFACTS / f"{artifact}.json").read_text())["abi"]
    return chain.eth.contract(address=described["contracts"][name], abi=abi)
