"""The calls that users of the plasma bridge and of the demo tunnel make, as steps to be sent by the user."""

from bridge.codec.abi import encode_call
from bridge.codec.types import Address, Wei
from contracts.deployment import DeploymentStep
from contracts.plasma_deployment import PlasmaRootContracts, PlasmaSideContracts


def deposit_erc20(
    contracts: PlasmaRootContracts, token: Address, user: Address, amount_wei: Wei
) -> tuple[DeploymentStep, DeploymentStep]:
    """Tokens of the sender, locked, to be credited to `user`; also those whose twin is the native coin."""
    deposit = "depositERC20ForUser(address,address,uint256)"
    return (
        _call("approve", token, "approve(address,uint256)", contracts.deposit_manager, amount_wei),
        _call("deposit", contracts.deposit_manager, deposit, token, user, amount_wei),
    )


def deposit_erc721(
    contracts: PlasmaRootContracts, token: Address, user: Address, token_id: int
) -> tuple[DeploymentStep, DeploymentStep]:
    """A token of the sender, locked, to be held by `user` on the side chain."""
    deposit = "depositERC721ForUser(address,address,uint256)"
    return (
        _call("approve", token, "approve(address,uint256)", contracts.deposit_manager, token_id),
        _call("deposit", contracts.deposit_manager, deposit, token, user, token_id),
    )


def deposit_ether(contracts: PlasmaRootContracts, amount_wei: Wei) -> DeploymentStep:
    """Ether of the sender, locked, to be credited to the sender."""
    return DeploymentStep("deposit ether", contracts.deposit_manager, encode_call("depositEther()"), amount_wei)


def withdraw(token: Address, amount_or_id: int) -> DeploymentStep:
    """A burn of the sender's plasma tokens, or plasma NFT, on the side chain."""
    return _call("burn", token, "withdraw(uint256)", amount_or_id)


def withdraw_native(contracts: PlasmaSideContracts, amount_wei: Wei) -> DeploymentStep:
    """A burn of the sender's native coin on the side chain."""
    return DeploymentStep(
        "burn native coin", contracts.native_token, encode_call("withdraw(uint256)", amount_wei), amount_wei
    )


def start_exit(predicate: Address, payload: bytes) -> DeploymentStep:
    """Puts a burn that the payload proves among the waiting exits; only the burner may send it."""
    return _call("start an exit", predicate, "startExitWithBurntTokens(bytes)", payload)


def process_exits(contracts: PlasmaRootContracts, token: Address) -> DeploymentStep:
    """Pays the exits of a root token whose time has come; anybody may send it."""
    return _call("process exits", contracts.withdraw_manager, "processExits(address)", token)


def send_to_child(contracts: PlasmaRootContracts, message: bytes) -> DeploymentStep:
    """A message through the demo tunnel to the side chain."""
    return _call("send a message", contracts.demo_tunnel, "sendMessageToChild(bytes)", message)


def send_to_root(contracts: PlasmaSideContracts, message: bytes) -> DeploymentStep:
    """A message through the demo tunnel to the root chain."""
    return _call("send a message", contracts.demo_tunnel, "sendMessageToRoot(bytes)", message)


def receive_message(contracts: PlasmaRootContracts, payload: bytes) -> DeploymentStep:
    """Takes the message that the payload proves to be sent; anybody may send it."""
    return _call("receive a message", contracts.demo_tunnel, "receiveMessage(bytes)", payload)


def _call(label: str, to: Address, signature: str, *arguments: object) -> DeploymentStep:
    return DeploymentStep(label, to, encode_call(signature, *arguments))
