"""A burn comes out on the root chain once, by the proof that a node served, and by nothing that differs from it.

The client is web3 with the contracts' ABI: what a user's program would be, with none of our codecs in it.
"""

import json
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import rlp  # type: ignore[import-untyped]  # ships no type stubs
from eth_account import Account as EthAccount
from web3 import HTTPProvider, Web3
from web3.exceptions import ContractLogicError, Web3RPCError

from tests.e2e.process import TEST_S, DevnetProcess, ask, wait_until

pytestmark = [pytest.mark.xdist_group("devnet"), pytest.mark.timeout(TEST_S)]

ARTIFACTS = Path(__file__).parents[2] / "contracts" / "artifacts"
ACCOUNT = 1
"""The first one exits burns of its own, for the story."""
BURNT_WEI = 3 * 10**18
EXIT_GAS = 1_000_000
CHANGED_BYTES = 60
SEND_ATTEMPTS = 10
NONCE_TAKEN = ("nonce too low", "underpriced", "already known")
RECEIPT_S = 30
LOG_INDEX_FIELD = 9
"""Of the ten items of an exit payload."""

Contract = Any
"""web3 makes a contract's functions from its ABI when it runs."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class User:
    """Somebody with tokens on the side chain, and with web3."""

    devnet: DevnetProcess

    @cached_property
    def account(self) -> Any:
        return EthAccount.from_key(self.devnet.described["accounts"][ACCOUNT]["private_key"])

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
        """Send a call and wait for its receipt. The demo traffic uses this account's nonces too, so try again."""
        for _ in range(SEND_ATTEMPTS):
            nonce = chain.eth.get_transaction_count(self.account.address, "pending")
            fields = call.build_transaction({"from": self.account.address, "nonce": nonce, "gas": EXIT_GAS})
            signed = self.account.sign_transaction(fields)
            try:
                sent = chain.eth.send_raw_transaction(signed.raw_transaction)
            except Web3RPCError as refusal:
                if not any(words in str(refusal) for words in NONCE_TAKEN):
                    raise
                continue
            return chain.eth.wait_for_transaction_receipt(sent, RECEIPT_S, 0.2)
        raise AssertionError("the nonce was always taken")

    def status(self, burn: str) -> str:
        """What a validator says of a burn."""
        return str(self.devnet.get(f"/sidewarden/v1/burns/{burn}", validator=1)["status"])


def _contract(chain: Web3, described: Any, name: str, artifact: str) -> Contract:
    abi = json.loads((ARTIFACTS / f"{artifact}.json").read_text())["abi"]
    return chain.eth.contract(address=described["contracts"][name], abi=abi)


def test_exit__by_an_independent_client__pays_once_and_for_nothing_that_differs(devnet: DevnetProcess) -> None:
    user = User(devnet)
    manager = user.contract("RootChainManager")
    burnt = user.send(user.side, user.child_token.functions.withdraw(BURNT_WEI))
    assert burnt["status"] == 1
    burn = burnt["transactionHash"].to_0x_hex()
    early, refusal = ask(f"{devnet.described['validators'][1]['api_url']}/sidewarden/v1/burns/{burn}/proof")
    assert (early, refusal["error"]["code"]) in {(409, "BURN_NOT_READY"), (503, "CANNOT_TELL")}

    wait_until(lambda: user.status(burn) == "READY")
    proof = devnet.get(f"/sidewarden/v1/burns/{burn}/proof", validator=2)
    payload = bytes.fromhex(proof["payload"][2:])

    def refused(tampered: bytes) -> bool:
        return _reverts(lambda: manager.functions.exit(tampered).call({"from": user.account.address}))

    assert not refused(payload)
    changed_bytes_are_refused(payload, refused)
    other_log_indexes_are_refused(devnet, burn, payload, refused)

    token = user.contract("DemoToken")
    before_wei = token.functions.balanceOf(user.account.address).call()
    assert user.send(user.root, manager.functions.exit(payload))["status"] == 1
    assert token.functions.balanceOf(user.account.address).call() == before_wei + BURNT_WEI

    assert refused(payload), "a second exit"
    assert user.send(user.root, manager.functions.exit(payload))["status"] == 0
    assert token.functions.balanceOf(user.account.address).call() == before_wei + BURNT_WEI
    wait_until(lambda: user.status(burn) == "EXITED")


def changed_bytes_are_refused(payload: bytes, refused: Callable[[bytes], bool]) -> None:
    """Wherever one byte is another one; and one too many, and one too few."""
    seed = random.SystemRandom().randrange(2**32)
    log.warning("seed %d", seed)
    source = random.Random(seed)
    for position in source.sample(range(len(payload)), CHANGED_BYTES):
        changed = bytearray(payload)
        changed[position] ^= source.randrange(1, 256)
        assert refused(bytes(changed)), f"byte {position} from {payload[position]} to {changed[position]}"
    assert refused(payload + b"\x00")
    assert refused(payload[:-1])
    assert refused(b"")


def other_log_indexes_are_refused(
    devnet: DevnetProcess, burn: str, payload: bytes, refused: Callable[[bytes], bool]
) -> None:
    """By the node, which gives no proof of it, and by the contract, for a payload that claims it."""
    url = f"{devnet.described['validators'][1]['api_url']}/sidewarden/v1/burns/{burn}/proof?log_index=1"
    status, refusal = ask(url)
    assert (status, refusal["error"]["code"]) == (404, "LOG_NOT_A_BURN")
    fields = list(rlp.decode(payload))
    for index in (b"\x01", b"\x7f", b"\xff" * 32):
        fields[LOG_INDEX_FIELD] = index
        assert refused(rlp.encode(fields))


def _reverts(call: Callable[[], object]) -> bool:
    try:
        call()
    except ContractLogicError:
        return True
    return False
