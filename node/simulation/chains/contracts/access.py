"""OpenZeppelin's Ownable and AccessControl."""

from bridge.codec.abi import event_topic
from bridge.codec.types import ZERO_ADDRESS, ZERO_HASH, Address, Hash32
from node.simulation.chains.abi import custom_error
from node.simulation.chains.execution import ModelContract, functions

DEFAULT_ADMIN_ROLE = ZERO_HASH

_OWNERSHIP_TRANSFERRED = event_topic("OwnershipTransferred(address,address)")
_ROLE_GRANTED = event_topic("RoleGranted(bytes32,address,address)")
_ROLE_REVOKED = event_topic("RoleRevoked(bytes32,address,address)")
_INTERFACES = (bytes.fromhex("01ffc9a7"), bytes.fromhex("7965db0b"))
"""ERC-165's, and IAccessControl's."""


class Ownable(ModelContract):
    """A contract with an owner, its creator at first."""

    def construct(self, arguments: bytes) -> None:
        """The creator owns it."""
        self._transfer_ownership(self.sender)

    def owner(self) -> Address:
        return self.load("owner", default=ZERO_ADDRESS)

    def only_owner(self) -> None:
        """Refuse everybody else."""
        if self.sender != self.owner():
            raise custom_error("OwnableUnauthorizedAccount(address)", self.sender)

    def renounce_ownership(self) -> None:
        self.only_owner()
        self._transfer_ownership(ZERO_ADDRESS)

    def transfer_ownership(self, new_owner: Address) -> None:
        self.only_owner()
        if new_owner == ZERO_ADDRESS:
            raise custom_error("OwnableInvalidOwner(address)", ZERO_ADDRESS)
        self._transfer_ownership(new_owner)

    def _transfer_ownership(self, new_owner: Address) -> None:
        self.emit((_OWNERSHIP_TRANSFERRED, self.owner(), new_owner))
        self.store("owner", value=new_owner)

    FUNCTIONS = functions(
        {
            "owner()": owner,
            "renounceOwnership()": renounce_ownership,
            "transferOwnership(address)": transfer_ownership,
        }
    )


class AccessControl(ModelContract):
    """A contract whose functions are for those who have a role; every role is given by DEFAULT_ADMIN_ROLE."""

    def has_role(self, role: Hash32, account: Address) -> bool:
        return self.load("role", role, account, default=False)

    def only_role(self, role: Hash32) -> None:
        """Refuse everybody else."""
        if not self.has_role(role, self.sender):
            raise custom_error("AccessControlUnauthorizedAccount(address,bytes32)", self.sender, role)

    def give_role(self, role: Hash32, account: Address) -> None:
        """Without asking who gives it."""
        if not self.has_role(role, account):
            self.store("role", role, account, value=True)
            self.emit((_ROLE_GRANTED, role, account, self.sender))

    def default_admin_role(self) -> Hash32:
        return DEFAULT_ADMIN_ROLE

    def role_admin(self, _role: Hash32) -> Hash32:
        return DEFAULT_ADMIN_ROLE

    def grant_role(self, role: Hash32, account: Address) -> None:
        self.only_role(DEFAULT_ADMIN_ROLE)
        self.give_role(role, account)

    def revoke_role(self, role: Hash32, account: Address) -> None:
        self.only_role(DEFAULT_ADMIN_ROLE)
        self._take_role(role, account)

    def renounce_role(self, role: Hash32, confirmation: Address) -> None:
        if confirmation != self.sender:
            raise custom_error("AccessControlBadConfirmation()")
        self._take_role(role, confirmation)

    def supports_interface(self, interface: bytes) -> bool:
        return interface in _INTERFACES

    def _take_role(self, role: Hash32, account: Address) -> None:
        if self.has_role(role, account):
            self.store("role", role, account, value=False)
            self.emit((_ROLE_REVOKED, role, account, self.sender))

    FUNCTIONS = functions(
        {
            "DEFAULT_ADMIN_ROLE()": default_admin_role,
            "getRoleAdmin(bytes32)": role_admin,
            "grantRole(bytes32,address)": grant_role,
            "hasRole(bytes32,address)": has_role,
            "renounceRole(bytes32,address)": renounce_role,
            "revokeRole(bytes32,address)": revoke_role,
            "supportsInterface(bytes4)": supports_interface,
        }
    )
