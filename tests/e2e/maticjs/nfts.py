"""NFTs and ERC-1155 tokens for new accounts of a devnet, deposited by the account that owns the demo tokens."""

from collections.abc import Sequence
from typing import Any

from eth_abi.abi import encode
from eth_account import Account as EthAccount
from web3 import Web3

from node.devnet.accounts import draw_accounts
from tests.e2e.user import Contract, User

SEED, VALIDATORS = 0, 4
"""Of a devnet as the README starts it."""
GAS = 600_000
RECEIPT_S = 60
FIRST_NFT = 10_000
"""Far from those that the devnet's own accounts have."""


class Owner:
    """Sends one transaction after the other without waiting; nobody else uses its nonces."""

    def __init__(self, chain: Web3) -> None:
        self.chain = chain
        self.account = EthAccount.from_key(draw_accounts(SEED, VALIDATORS).deployer.private_key)
        self._nonce = int(chain.eth.get_transaction_count(self.account.address))
        self._sent: list[Any] = []

    def send(self, call: Contract) -> None:
        """Send a call."""
        fees = {"maxFeePerGas": 3 * self.chain.eth.gas_price, "maxPriorityFeePerGas": self.chain.eth.max_priority_fee}
        fields = {"from": self.account.address, "nonce": self._nonce, "gas": GAS, **fees}
        signed = self.account.sign_transaction(call.build_transaction(fields))
        self._sent.append(self.chain.eth.send_raw_transaction(signed.raw_transaction))
        self._nonce += 1

    def wait(self) -> None:
        """Until all of them have succeeded."""
        for sent in self._sent:
            assert self.chain.eth.wait_for_transaction_receipt(sent, RECEIPT_S, 0.2)["status"] == 1


def deposit_for(user: User, receivers: Sequence[str], nfts: int, ids: Sequence[int], amount: int) -> None:
    """Deposit for each receiver so many NFTs, which `nft_ids_of` names, and an amount of each ERC-1155 id."""
    owner, manager = Owner(user.root), user.contract("RootChainManager")
    tokens = {kind: user.contract(f"Demo{kind}") for kind in ("ERC721", "ERC1155")}
    for kind, token in tokens.items():
        owner.send(token.functions.setApprovalForAll(user.contract(f"{kind}Predicate").address, True))
    erc721, erc1155 = tokens.values()
    for one in ids:
        owner.send(erc1155.functions.mint(owner.account.address, one, amount * len(receivers)))
    for place, receiver in enumerate(receivers):
        nft_ids = nft_ids_of(place, nfts)
        for nft in nft_ids:
            owner.send(erc721.functions.mint(owner.account.address, nft))
        owner.send(manager.functions.depositFor(receiver, erc721.address, encode(["uint256[]"], [nft_ids])))
        batch = encode(["uint256[]", "uint256[]", "bytes"], [list(ids), [amount] * len(ids), b""])
        owner.send(manager.functions.depositFor(receiver, erc1155.address, batch))
    owner.wait()


def nft_ids_of(place: int, count: int) -> list[int]:
    """The NFTs of the receiver at a place."""
    return [FIRST_NFT * (place + 1) + index for index in range(count)]
