"""Accounts that send transactions by hand: the owner of stakes, whoever burns, whoever steals a key.

They know the chain itself and nothing of endpoints. What a pool refuses is not sent; nobody depends on it.
"""

from contextlib import suppress

from bridge.codec.secp256k1 import sign
from bridge.codec.transaction import DynamicFeeTransaction
from bridge.codec.types import Address, Hash32, Wei
from contracts.deployment import DeploymentStep
from node.devnet.chain import Chain, TransactionRefused
from node.networks.accounts import Account

TIP_WEI = Wei(2 * 10**9)
FEE_CAP_WEI = Wei(2_000 * 10**9)
GAS_LIMIT = 1_500_000
TRANSFER_GAS = 21_000


def send(chain: Chain, account: Account, *steps: DeploymentStep) -> tuple[Hash32, ...]:
    """Send calls of an account; the hashes of those that the pool took."""
    sent = []
    for step in steps:
        raw = _signed(chain, account, step.to, step.data, Wei(0), GAS_LIMIT)
        with suppress(TransactionRefused):
            sent.append(chain.send_raw(raw))
    return tuple(sent)


def spend_nonce(chain: Chain, account: Account) -> Hash32 | None:
    """Use the next nonce that the chain itself expects of an account, at a price that replaces whatever waits there."""
    nonce = chain.nonce(account.address)
    transaction = DynamicFeeTransaction(
        chain.chain_id, nonce, Wei(100 * TIP_WEI), FEE_CAP_WEI, TRANSFER_GAS, account.address, Wei(0), b""
    )
    raw = transaction.raw(sign(transaction.signing_hash(), account.private_key))
    with suppress(TransactionRefused):
        return chain.send_raw(raw)
    return None


def drain(chain: Chain, account: Account, to: Address) -> Hash32 | None:
    """Send nearly all that an account has to somebody else."""
    left = chain.balance(account.address) - FEE_CAP_WEI * TRANSFER_GAS
    if left <= 0:
        return None
    raw = _signed(chain, account, to, b"", Wei(left), TRANSFER_GAS)
    with suppress(TransactionRefused):
        return chain.send_raw(raw)
    return None


def give(chain: Chain, giver: Account, to: Address, amount_wei: Wei) -> Hash32 | None:
    """Send money to an account."""
    raw = _signed(chain, giver, to, b"", amount_wei, TRANSFER_GAS)
    with suppress(TransactionRefused):
        return chain.send_raw(raw)
    return None


def _signed(chain: Chain, account: Account, to: Address | None, data: bytes, value_wei: Wei, gas_limit: int) -> bytes:
    nonce = chain.pending_nonce(account.address)
    transaction = DynamicFeeTransaction(chain.chain_id, nonce, TIP_WEI, FEE_CAP_WEI, gas_limit, to, value_wei, data)
    return transaction.raw(sign(transaction.signing_hash(), account.private_key))
