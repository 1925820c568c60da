"""StateSender: messages to contracts of the side chain."""

from bridge.codec.abi import encode_values, event_topic
from bridge.codec.events import STATE_SYNCED_TOPIC
from bridge.codec.types import ZERO_ADDRESS, Address
from node.simulation.chains.abi import custom_error, refusal
from node.simulation.chains.contracts.access import Ownable
from node.simulation.chains.execution import functions

_NEW_REGISTRATION = event_topic("NewRegistration(address,address,address)")
_REGISTRATION_UPDATED = event_topic("RegistrationUpdated(address,address,address)")


class StateSender(Ownable):
    """Numbers messages from 1 without gaps."""

    ARTIFACT = "StateSender"

    def counter(self) -> int:
        return self.load("counter", default=0)

    def registrations(self, receiver: Address) -> Address:
        return self.load("sender to", receiver, default=ZERO_ADDRESS)

    def register(self, sender: Address, receiver: Address) -> None:
        previous = self.registrations(receiver)
        if self.sender not in (self.owner(), previous):
            raise custom_error("NotAllowedToRegister(address,address)", self.sender, receiver)
        self.store("sender to", receiver, value=sender)
        event = _NEW_REGISTRATION if previous == ZERO_ADDRESS else _REGISTRATION_UPDATED
        self.emit((event, self.sender, sender, receiver))

    def sync_state(self, receiver: Address, data: bytes) -> None:
        if self.registrations(receiver) != self.sender:
            raise refusal("Invalid sender")
        number = self.counter() + 1
        self.store("counter", value=number)
        self.emit((STATE_SYNCED_TOPIC, number, receiver), encode_values(("bytes",), (data,)))

    FUNCTIONS = Ownable.FUNCTIONS | functions(
        {
            "counter()": counter,
            "registrations(address)": registrations,
            "register(address,address)": register,
            "syncState(address,bytes)": sync_state,
        }
    )
