"""Steps of a script: what pools refuse or keep, plain transfers, creations, reorgs."""

from bridge.codec.abi import encode_call
from contracts.loader import constructor_data
from tests.unit.simulation.chains.script import ACCOUNTS, ADDRESSES, GWEI, SPARE, Script
from tests.unit.simulation.chains.twins import Twins


def send_oddly(script: Script) -> None:
    """A transaction that a pool may not like: gaps, replacements, used nonces, no money, too little or much gas."""
    source, twins, sender = script.source, _either(script), script.person()
    used, pending = twins.model.nonce(sender.address), twins.model.pending_nonce(sender.address)
    to = script.address()
    data = source.choice((b"", b"\x01" * 200, bytes(300)))
    no_code = b"\xfe" * 200  # it runs into an invalid instruction: what creates something else is not modelled
    for _ in range(source.randint(1, 3)):
        is_creation = source.random() < 0.3
        raw = script.signed(
            twins,
            source.choice((sender, sender, sender, SPARE[0])),
            None if is_creation else to,
            no_code if is_creation else data,
            nonce=max(0, source.choice((used - 1, used, used, pending, pending + 1, pending + 3))),
            value_wei=source.choice((0, 0, 1, 10**18, 600 * 10**18)),
            gas_limit=source.choice((20_999, 21_000, 25_000, 100_000, 15_000_000, 15_000_001)),
            fee_cap_wei=source.choice((100, 110, 120, 132)) * GWEI,
            tip_wei=source.choice((1, 2, 3, 200)) * GWEI,
        )
        twins.send(source.choice((raw, raw, raw, raw[:-1], raw + b"\x00", b"\x03" + raw[1:])))
    if source.random() < 0.5:
        twins.mine(source.randint(1, 5))


def wait_together(script: Script) -> None:
    """Several calls in one block, of several senders."""
    source, contracts = script.source, script.contracts.root
    for _ in range(source.randint(2, 5)):
        sender = script.person()
        data = encode_call("transfer(address,uint256)", script.address(), source.randint(0, 3))
        raw = script.signed(script.root, sender, contracts.demo_token, data, gas_limit=200_000)
        script.root.send(raw)
    script.root.mine(source.randint(1, 5))


def out_of_gas(script: Script) -> None:
    """A call that its gas limit ends."""
    contracts = script.contracts.root
    data = encode_call("mint(address,uint256)", script.address(), 1)
    script.root.send(script.signed(script.root, ACCOUNTS.deployer, contracts.demo_token, data, gas_limit=25_000))
    script.root.mine(1)


def call_oddly(script: Script) -> None:
    """No such function, too little data, money for a function that takes none, code that is no contract's of ours."""
    source, twins = script.source, _either(script)
    names = script.contracts.root if twins is script.root else script.contracts.side
    to = source.choice((*names.by_name().values(), *ADDRESSES))
    data = source.choice((b"", b"\x12", b"\x12\x34\x56\x78", encode_call("owner()")[:3], encode_call("owner()")))
    twins.call(to, data, source.choice(ADDRESSES), source.choice((0, 1)))  # type: ignore[arg-type]
    raw = script.signed(twins, script.person(), to, data, value_wei=source.choice((0, 1)))
    twins.send(raw)
    twins.mine(1)


def create(script: Script) -> None:
    """One of our contracts anew, asked for and made."""
    source, contracts = script.source, script.contracts.root
    data = source.choice(
        (
            constructor_data("StakeToken"),
            constructor_data("StakingInfo", contracts.stake_manager),
            constructor_data("RootChainManager", *ADDRESSES[:3]),
            constructor_data("ChildERC20", "Name", "N", ADDRESSES[0]),
            constructor_data("StakeManager", *ADDRESSES[:3], (0, 0, 0, 0, 0)),
        )
    )
    script.root.create(data, script.person().address)
    raw = script.signed(script.root, script.person(), None, data, gas_limit=9_000_000)
    script.root.send(raw)
    script.root.mine(1)


def reorg(script: Script) -> None:
    """Replace blocks."""
    twins = _either(script)
    depth = script.source.randint(1, 3)
    twins.reorg(depth, with_transactions=script.source.random() < 0.7)
    twins.mine(1)


def _either(script: Script) -> Twins:
    return script.source.choice((script.root, script.root, script.side))


STEPS = (
    *((send_oddly,) * 3),
    *((wait_together,) * 2),
    out_of_gas,
    *((call_oddly,) * 2),
    create,
    *((reorg,) * 3),
)
