"""NFTs and ERC-1155 tokens on a devnet's bridge, put there by the account that deployed it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import rlp  # type: ignore[import-untyped]  # ships no type stubs
from eth_abi.abi import encode
from eth_account import Account as EthAccount
from web3 import Web3

from node.devnet.accounts import draw_accounts
from tests.e2e.user import ARTIFACTS, Contract, User

SEED, VALIDATORS = 0, 4
"""Of a devnet as the README starts it."""
CREATION_GAS = 4_000_000
CALL_GAS = 600_000
RECEIPT_S = 60


@dataclass(frozen=True)
class Pair:
    """A token on both chains."""

    root: str
    side: str


@dataclass(frozen=True)
class Nfts:
    """What was deployed."""

    erc721: Pair
    erc1155: Pair


class Deployer:
    """Sends one transaction after the other without waiting; nobody else uses its nonces."""

    def __init__(self, chain: Web3) -> None:
        self.chain = chain
        self.account = EthAccount.from_key(draw_accounts(SEED, VALIDATORS).deployer.private_key)
        self._nonce = int(chain.eth.get_transaction_count(self.account.address))
        self._sent: list[Any] = []

    def create(self, name: str, *arguments: object) -> Contract:
        """A new contract, by its artifact."""
        artifact = json.loads((ARTIFACTS / f"{name}.json").read_text())
        sender = bytes.fromhex(self.account.address[2:])
        address = Web3.to_checksum_address(Web3.keccak(rlp.encode([sender, self._nonce]))[12:])
        factory = self.chain.eth.contract(abi=artifact["abi"], bytecode=artifact["bytecode"])
        self.send(factory.constructor(*arguments), CREATION_GAS)
        return self.chain.eth.contract(address=address, abi=artifact["abi"])

    def send(self, call: Contract, gas: int = CALL_GAS) -> None:
        """Send a call."""
        fees = {"maxFeePerGas": 3 * self.chain.eth.gas_price, "maxPriorityFeePerGas": self.chain.eth.max_priority_fee}
        fields = {"from": self.account.address, "nonce": self._nonce, "gas": gas, **fees}
        signed = self.account.sign_transaction(call.build_transaction(fields))
        self._sent.append(self.chain.eth.send_raw_transaction(signed.raw_transaction))
        self._nonce += 1

    def wait(self) -> None:
        """Until all of them have succeeded."""
        for sent in self._sent:
            assert self.chain.eth.wait_for_transaction_receipt(sent, RECEIPT_S, 0.2)["status"] == 1


def deposited(user: User, receivers: Sequence[str], nft_ids: int, ids: Sequence[int], amount: int) -> Nfts:
    """Deploy both kinds, and deposit for each receiver `nft_ids` NFTs (see `nft_ids_of`) and an amount of each id."""
    root, side = Deployer(user.root), Deployer(user.side)
    manager, bridge = user.contract("RootChainManager"), user.devnet.described["side_chain"]["contracts"]
    child_manager = bridge["ChildChainManager"]
    pairs, tokens = [], []
    for kind, child_arguments in (("ERC721", ("Demo 721", "DEMO721")), ("ERC1155", ("",))):
        predicate = root.create(f"{kind}Predicate", manager.address)
        token = root.create(f"Demo{kind}")
        child = side.create(f"Child{kind}", *child_arguments, child_manager)
        root.send(manager.functions.registerPredicate(Web3.keccak(text=kind), predicate.address))
        root.send(manager.functions.mapToken(token.address, child.address, Web3.keccak(text=kind)))
        root.send(token.functions.setApprovalForAll(predicate.address, True))
        pairs.append(Pair(token.address, child.address))
        tokens.append(token)
    side.wait()
    erc721, erc1155 = tokens
    for id_ in ids:
        root.send(erc1155.functions.mint(root.account.address, id_, amount * len(receivers)))
    for place, receiver in enumerate(receivers):
        nfts = nft_ids_of(place, nft_ids)
        for nft in nfts:
            root.send(erc721.functions.mint(root.account.address, nft))
        root.send(manager.functions.depositFor(receiver, erc721.address, encode(["uint256[]"], [nfts])))
        batch = encode(["uint256[]", "uint256[]", "bytes"], [list(ids), [amount] * len(ids), b""])
        root.send(manager.functions.depositFor(receiver, erc1155.address, batch))
    root.wait()
    return Nfts(*pairs)


def nft_ids_of(place: int, count: int) -> list[int]:
    """The NFTs of the receiver at a place."""
    return [100 * (place + 1) + index for index in range(count)]
