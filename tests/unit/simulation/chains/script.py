"""A random script: steps drawn from a seed and done on twin chains, each compared as it is done."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bridge.chain.clock import ManualClock
from bridge.codec.abi import decode_values, encode_call
from bridge.codec.checkpoint import DataForm
from bridge.codec.secp256k1 import sign
from bridge.codec.transaction import DynamicFeeTransaction
from bridge.codec.types import ZERO_ADDRESS, Address, ChainId, UnixSeconds, Wei
from node.devnet.accounts import draw_accounts
from node.devnet.bootstrap import DevnetContracts, contracts_of, deployment_plan
from node.devnet.chain.embedded import EmbeddedChain
from node.networks.accounts import Account
from node.simulation.chains.model import ModelChain
from node.simulation.chains.worlds import ChainKind, ChainOptions, root_world, side_world
from tests.unit.simulation.chains.twins import Answer, Twins

ROOT_ID = ChainId(1337)
SIDE_ID = ChainId(15001)
START = UnixSeconds(1_700_000_000)
TOKEN = 10**18
GWEI = 10**9
GAS_LIMIT = 3_000_000
CONFIRMATIONS = 2

ACCOUNTS = draw_accounts(7, validators=4)
SPARE = draw_accounts(8, validators=12).signers
"""Keys without money."""
ADDRESSES = [*(each.address for each in ACCOUNTS.all()), *(each.address for each in SPARE)]
KEYS = {each.address: each for each in (*ACCOUNTS.all(), *SPARE)}

ALREADY_MADE: dict[DataForm, tuple[EmbeddedChain, EmbeddedChain]] = {}
"""Bootstraps over real contracts take seconds; scripts get copies."""


@dataclass
class Script:
    """Where a script stands. `story` is what it has done, newest last."""

    form: DataForm
    source: random.Random
    root: Twins
    side: Twins
    contracts: DevnetContracts
    mangled_share: float = 0.08
    mined_share: float = 0.85
    story: list[str] = field(default_factory=list)

    def address(self) -> Address:
        """Anybody's."""
        return self.source.choice((*ADDRESSES, ZERO_ADDRESS))

    def person(self) -> Account:
        """Somebody with money."""
        return self.source.choice((*ACCOUNTS.demo, *ACCOUNTS.submitters, ACCOUNTS.deployer))

    def amount(self) -> int:
        """Often sensible, sometimes at a limit."""
        limits = (0, 1, TOKEN - 1, 2**64 * TOKEN, 2**128 - 1, 2**128, 2**255, 2**256 - 1)
        return self.source.choice((TOKEN, 3 * TOKEN, 50 * TOKEN + 7, self.source.choice(limits)))

    def act(self, twins: Twins, sender: Account, to: Address, data: bytes, gas_limit: int = GAS_LIMIT) -> Answer:
        """Ask what a call would do, and mostly do it; the answer to the call."""
        if self.source.random() < self.mangled_share:
            data = self.mangled(data)
        answer = twins.call(to, data, sender.address)
        if (
            twins.send(self.signed(twins, sender, to, data, gas_limit=gas_limit))
            and self.source.random() < self.mined_share
        ):
            twins.mine(self.source.randint(1, 12))
        self.story.append(f"  {data[:4].hex()} by {sender.address.hex()[:8]}: {answer.ended} {answer.data[:68].hex()}")
        return answer

    def signed(
        self,
        twins: Twins,
        sender: Account,
        to: Address | None,
        data: bytes,
        *,
        nonce: int | None = None,
        value_wei: int = 0,
        gas_limit: int = GAS_LIMIT,
        fee_cap_wei: int = 100 * GWEI,
        tip_wei: int = GWEI,
    ) -> bytes:
        """A raw transaction, of the next nonce unless told otherwise."""
        transaction = DynamicFeeTransaction(
            twins.model.chain_id,
            twins.model.pending_nonce(sender.address) if nonce is None else nonce,
            Wei(tip_wei),
            Wei(fee_cap_wei),
            gas_limit,
            to,
            Wei(value_wei),
            data,
        )
        return transaction.raw(sign(transaction.signing_hash(), sender.private_key))

    def mangled(self, data: bytes) -> bytes:
        """Call data as no encoder gives it."""
        place = self.source.randrange(len(data) + 1)
        match self.source.randrange(4):
            case 0:
                return data[:place]
            case 1:
                return data + self.source.randbytes(self.source.randint(1, 70))
            case 2:
                return data[:place] + bytes((self.source.randrange(256),)) + data[place + 1 :]
            case _:
                return data[:place] + data[place + 1 :]

    def read(
        self, twins: Twins, contract: Address, types: Sequence[str], call: str, *arguments: object
    ) -> tuple[object, ...]:
        """What a view function of the model answers."""
        return decode_values(tuple(types), twins.model.call(contract, encode_call(call, *arguments)))

    def number(self, contract: Address, call: str, *arguments: object) -> int:
        """The one number that a view function of the root chain answers."""
        (value,) = self.read(self.root, contract, ("uint256",), call, *arguments)
        assert isinstance(value, int)
        return value


Step = Callable[[Script], None]


def new_script(seed: int, form: DataForm) -> Script:
    """A script at its beginning."""
    plan = deployment_plan(ACCOUNTS, SIDE_ID, form)
    if form not in ALREADY_MADE:
        chains = _worlds(ChainKind.EVM, form)
        assert isinstance(chains[0], EmbeddedChain)
        assert isinstance(chains[1], EmbeddedChain)
        ALREADY_MADE[form] = chains[0], chains[1]
    root, side = _worlds(ChainKind.MODEL, form)
    assert isinstance(root, ModelChain)
    assert isinstance(side, ModelChain)
    real_root, real_side = ALREADY_MADE[form]
    return Script(
        form, random.Random(seed), Twins(root, real_root.copy()), Twins(side, real_side.copy()), contracts_of(plan)
    )


def _worlds(kind: ChainKind, form: DataForm) -> tuple[object, object]:
    plan, clock = deployment_plan(ACCOUNTS, SIDE_ID, form), ManualClock(START)
    root = root_world(ChainOptions(kind, ROOT_ID, START, clock), plan, ACCOUNTS, CONFIRMATIONS)
    side = side_world(ChainOptions(kind, SIDE_ID, START, clock), plan, ACCOUNTS, root)
    return root.chain, side.chain
