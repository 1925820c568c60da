"""The keys of a devnet, all drawn from its seed: worth nothing anywhere else, and the same at each start."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from bridge.codec.hash import keccak256
from node.networks.accounts import Account, account_of, is_private_key

DEMO_ACCOUNTS = 5


@dataclass(frozen=True, slots=True)
class DevnetAccounts:
    """Who acts on a devnet.

    `deployer` owns the contracts and stakes for the validators; `relayer` carries deposits to the side chain (devnet
    only); `signers` sign checkpoints and engine transactions; `submitters` pay for submissions; `demo` are for people.
    """

    deployer: Account
    relayer: Account
    signers: tuple[Account, ...]
    submitters: tuple[Account, ...]
    demo: tuple[Account, ...]

    def all(self) -> Iterator[Account]:
        """Every account, each to be funded."""
        yield self.deployer
        yield self.relayer
        yield from self.signers
        yield from self.submitters
        yield from self.demo


def draw_accounts(seed: int, validators: int) -> DevnetAccounts:
    """The accounts of the devnet with this seed and this number of validators."""
    return DevnetAccounts(
        deployer=_draw(seed, "deployer", 0),
        relayer=_draw(seed, "relayer", 0),
        signers=tuple(_draw(seed, "signer", index) for index in range(validators)),
        submitters=tuple(_draw(seed, "submitter", index) for index in range(validators)),
        demo=tuple(_draw(seed, "demo", index) for index in range(DEMO_ACCOUNTS)),
    )


def _draw(seed: int, role: str, index: int) -> Account:
    for attempt in count():
        private_key = keccak256(f"sidewarden devnet/{seed}/{role}/{index}/{attempt}".encode())
        if is_private_key(private_key):
            return account_of(private_key)
    raise AssertionError("unreachable: nearly every 32 bytes are a key")
