"""The sending half of `sidewarden burn --send`: whose key, through which RPC, for how much, and what becomes of it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from node.cli.client import Answer
from node.cli.homes import NETWORK_FILES

if TYPE_CHECKING:
    from bridge.chain.fees import FeePolicy
    from bridge.chain.reader import MinedTransaction
    from bridge.client.exiting import ExitCall, ExitPlan
    from node.networks.accounts import Account

MINED_WITHIN_S = 600.0
GWEI = 10**9
WEI_PER_ETHER = 10**18


@dataclass(frozen=True, slots=True)
class ExitOptions:
    """What a person says about sending. Keys are read from files and are never arguments."""

    key_file: Path | None
    password_file: Path | None
    root_urls: tuple[str, ...]
    max_fee_gwei: float
    yes: bool


@dataclass(frozen=True, slots=True)
class ExitMaker:
    """Everything about sending that is known before there is a proof. `home` may have the root chain's RPC."""

    options: ExitOptions
    accounts: "tuple[Account, ...]"
    home: Path | None
    say: Callable[[str], None]

    def make(self, burn: Answer, proof: Answer) -> Answer:
        """Make the exit that a proof allows, sent by the burner where that key is there; the JSON of what was mined.

        Raises ExitError, ExitRefused, ChainError, and click's errors for what is missing or not agreed to.
        """
        import asyncio

        from bridge.codec.hexadecimal import to_hex

        call = _call(burn, proof)
        urls = self.options.root_urls or _root_urls(self.home, proof["root_chain"])
        account = next((each for each in self.accounts if each.address == call.burner), self.accounts[0])

        def agree(plan: "ExitPlan") -> None:
            for line in _plan_lines(plan, proof):
                self.say(line)
            if not self.options.yes:
                click.confirm("Send it?", abort=True, err=True)

        mined = asyncio.run(_send(urls, call, account, _fees(self.options), agree, self.say))
        self.say(f"mined in root-chain block {mined.block_number}, {mined.gas_used:,} gas")
        return {
            "transaction_hash": to_hex(mined.hash),
            "block_number": mined.block_number,
            "gas_used": mined.gas_used,
            "sender": to_hex(account.address),
        }


async def _send(
    urls: tuple[str, ...],
    call: "ExitCall",
    account: "Account",
    fees: "FeePolicy",
    agree: Callable[["ExitPlan"], None],
    say: Callable[[str], None],
) -> "MinedTransaction":
    import aiohttp

    from bridge.chain.clock import SystemClock
    from bridge.chain.transport import HttpTransport
    from bridge.client.exiting import mined_exit, plan_exit, send_exit
    from bridge.codec.hexadecimal import to_hex
    from bridge.codec.secp256k1 import sign
    from node.networks.connect import connect

    clock = SystemClock()
    async with aiohttp.ClientSession() as session:
        reader = (await connect("root", urls, HttpTransport(session), clock)).reader
        plan = await plan_exit(reader, call, account.address, fees)
        agree(plan)
        sent = await send_exit(reader, plan, lambda digest: sign(digest, account.private_key), clock)
        say(f"sent {to_hex(sent)}")
        return await mined_exit(reader, sent, clock, MINED_WITHIN_S)


def _call(burn: Answer, proof: Answer) -> "ExitCall":
    from bridge.client.exiting import ExitCall
    from bridge.codec.hexadecimal import from_hex
    from bridge.codec.types import Address

    def address(text: str | None) -> Address | None:
        return None if text is None else Address(from_hex(text, 20))

    return ExitCall(
        contract=address(proof["exit_contract"]),
        function=proof["exit_function"],
        payload=from_hex(proof["payload"]),
        burner=address(burn["burner"]),
    )


def _fees(options: ExitOptions) -> "FeePolicy":
    from bridge.chain.fees import FeePolicy
    from bridge.codec.types import Wei

    usual = FeePolicy()
    cap = Wei(int(options.max_fee_gwei * GWEI))
    return FeePolicy(cap, min(usual.tip_floor_wei, cap), min(usual.tip_cap_wei, cap))


def _plan_lines(plan: "ExitPlan", proof: Answer) -> list[str]:
    """What a person agrees to."""
    from bridge.codec.hexadecimal import checksum_address

    anybody = "" if "exit(" not in plan.function else "; anybody may send it, and it pays the burner"
    return [
        f"exit of log {proof['log_index']} on {proof['root_chain']} (chain {plan.chain_id}), tried just now{anybody}",
        f"  call      {plan.function} of {checksum_address(plan.contract)}",
        f"  payload   {(len(proof['payload']) - 2) // 2:,} bytes",
        f"  from      {checksum_address(plan.sender)}",
        f"  gas       at most {plan.gas_limit:,}",
        f"  fee       at most {_ether(plan.cost_max_wei)} ether: up to {_gwei(plan.price.max_fee_wei)} gwei a gas,"
        f" with a tip of {_gwei(plan.price.tip_wei)}",
    ]


def _gwei(wei: int) -> str:
    return f"{Decimal(wei) / GWEI:.9f}".rstrip("0").rstrip(".")


def _ether(wei: int) -> str:
    return f"{Decimal(wei) / WEI_PER_ETHER:.18f}".rstrip("0").rstrip(".")


def _root_urls(home: Path | None, root_chain: str) -> tuple[str, ...]:
    """The RPC of a root chain, as a network's file or a validator's configuration has it."""
    described = _described(home)
    if described is not None:
        found = tuple(root["rpc_url"] for root in described["root_chains"] if root["name"] == root_chain)
    elif home is not None and (home / "config.toml").exists():
        from config.file import load_home

        roots = load_home(home).config.root_chains
        found = tuple(str(url) for root in roots if root.name == root_chain for url in root.rpc_urls)
    else:
        found = ()
    if not found:
        raise click.UsageError(f"where is root chain {root_chain}? Give --root-rpc, or a --home that has it")
    return found


def senders(options: ExitOptions, home: Path | None) -> "tuple[Account, ...]":
    """Who may send: the key of a file, or the accounts of a network for play. Raises click's usage error for none."""
    from bridge.codec.hexadecimal import from_hex
    from node.keys.keystore import open_keystore, read_password
    from node.networks.accounts import account_of, read_account

    if options.key_file is not None and options.password_file is not None:
        password = read_password(options.password_file.expanduser())
        return (account_of(open_keystore(options.key_file.expanduser(), password).reveal()),)
    if options.key_file is not None:
        return (read_account(options.key_file.expanduser()),)
    described = _described(home)
    accounts = () if described is None else described["accounts"]
    if not accounts:
        raise click.UsageError("who sends, and pays? Give --key-file (with --password-file if it is a keystore)")
    return tuple(account_of(from_hex(each["private_key"], 32)) for each in accounts)


def _described(home: Path | None) -> Answer | None:
    """What a devnet's or localnet's file tells."""
    files = [] if home is None else [home / name for name in NETWORK_FILES if (home / name).exists()]
    found: Answer | None = json.loads(files[0].read_text()) if files else None
    return found
