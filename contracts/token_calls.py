"""The calls that users of the PoS bridge make with tokens other than ERC-20, as steps to be sent by the user."""

from collections.abc import Sequence

from bridge.codec.abi import encode_call, encode_values
from bridge.codec.types import Address, Wei
from contracts.deployment import DeploymentStep


def deposit_ether(manager: Address, user: Address, amount_wei: Wei) -> DeploymentStep:
    """Ether of the sender, locked, to be credited to `user`."""
    return DeploymentStep("deposit ether", manager, encode_call("depositEtherFor(address)", user), amount_wei)


def deposit_erc721(
    manager: Address, predicate: Address, token: Address, user: Address, ids: Sequence[int]
) -> tuple[DeploymentStep, DeploymentStep]:
    """Tokens of the sender, at most 20, locked, to be held by `user` on the side chain."""
    data = encode_values(("uint256",), ids) if len(ids) == 1 else encode_values(("uint256[]",), (list(ids),))
    return _approve_all(token, predicate), _deposit(manager, user, token, data)


def deposit_erc1155(
    manager: Address, predicate: Address, token: Address, user: Address, amounts: Sequence[tuple[int, int]]
) -> tuple[DeploymentStep, DeploymentStep]:
    """Amounts by id of the sender's, locked, to be credited to `user`."""
    ids, counts = [token_id for token_id, _ in amounts], [amount for _, amount in amounts]
    data = encode_values(("uint256[]", "uint256[]", "bytes"), (ids, counts, b""))
    return _approve_all(token, predicate), _deposit(manager, user, token, data)


def withdraw(token: Address, amount_or_id: int) -> DeploymentStep:
    """A burn of an amount of a child ERC-20, or of one child ERC-721, of the sender's."""
    return _call("burn", token, "withdraw(uint256)", amount_or_id)


def withdraw_erc721_batch(token: Address, ids: Sequence[int]) -> DeploymentStep:
    """A burn of several child ERC-721 of the sender's."""
    return _call("burn", token, "withdrawBatch(uint256[])", list(ids))


def withdraw_erc1155(token: Address, token_id: int, amount: int) -> DeploymentStep:
    """A burn of some of the sender's child ERC-1155."""
    return _call("burn", token, "withdrawSingle(uint256,uint256)", token_id, amount)


def withdraw_erc1155_batch(token: Address, ids: Sequence[int], amounts: Sequence[int]) -> DeploymentStep:
    """A burn of several of the sender's child ERC-1155."""
    return _call("burn", token, "withdrawBatch(uint256[],uint256[])", list(ids), list(amounts))


def _approve_all(token: Address, predicate: Address) -> DeploymentStep:
    return _call("approve", token, "setApprovalForAll(address,bool)", predicate, True)


def _deposit(manager: Address, user: Address, token: Address, data: bytes) -> DeploymentStep:
    return _call("deposit", manager, "depositFor(address,address,bytes)", user, token, data)


def _call(label: str, to: Address, signature: str, *arguments: object) -> DeploymentStep:
    return DeploymentStep(label, to, encode_call(signature, *arguments))
