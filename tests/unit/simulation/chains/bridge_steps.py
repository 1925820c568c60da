"""Steps of a script: deposits, burns and exits, and what one could try instead of them."""

from bridge.codec import merkle, rlp
from bridge.codec.abi import encode_call, encode_values
from bridge.codec.events import STATE_SYNCED_TOPIC, TRANSFER_TOPIC, StateSynced, decode_event
from bridge.codec.exit_payload import ExitPayload, branch_mask, encode_payload
from bridge.codec.hash import keccak256
from bridge.codec.header import leaf_of
from bridge.codec.receipts import encode_receipt
from bridge.codec.trie import ordered_trie_proof
from bridge.codec.types import ZERO_HASH, BlockNumber
from node.devnet.chain import FoundLog, LogFilter
from tests.unit.simulation.chains.script import ACCOUNTS, ADDRESSES, TOKEN, Script

RECEIVE = "onStateReceive(uint256,bytes)"
BURNT_TO = frozenset({ZERO_HASH})


def deposit(script: Script) -> None:
    """Tokens of somebody's, for anybody."""
    source, contracts = script.source, script.contracts.root
    sender, amount = script.person(), script.amount()
    mint = encode_call("mint(address,uint256)", sender.address, min(amount, 10**6 * TOKEN))
    script.act(script.root, ACCOUNTS.deployer, contracts.demo_token, mint)
    if source.random() < 0.8:
        approve = encode_call("approve(address,uint256)", contracts.erc20_predicate, amount)
        script.act(script.root, sender, contracts.demo_token, approve)
    token = source.choice((contracts.demo_token,) * 4 + (contracts.stake_token,))
    content = source.choice((amount.to_bytes(32),) * 4 + (b"", bytes(33)))
    data = encode_call("depositFor(address,address,bytes)", script.address(), token, content)
    script.act(script.root, sender, contracts.root_chain_manager, data)


def carry(script: Script) -> None:
    """The next message of the root chain, or another; by the relayer, or another."""
    source, manager = script.source, script.contracts.side.child_chain_manager
    (last,) = script.read(script.side, manager, ("uint256",), "lastStateId()")
    states = synced_states(script)
    assert isinstance(last, int)
    state = next((each for each in states if each.id == last + 1), source.choice(states))
    deposit_type, map_type = keccak256(b"DEPOSIT"), keccak256(b"MAP_TOKEN")
    types = ("address", "address", "bytes")
    odd = (
        b"",
        bytes(64),
        encode_values(("bytes32", "bytes"), (bytes(32), b"")),
        encode_values(("bytes32", "bytes"), (deposit_type, bytes(95))),
        encode_values(("bytes32", "bytes"), (map_type, bytes(96))),
        encode_values(
            ("bytes32", "bytes"), (map_type, bytes(12) + ADDRESSES[0] + bytes(12) + ADDRESSES[1] + bytes(32))
        ),
        encode_values(("bytes32", "bytes"), (deposit_type, encode_values(types, (*ADDRESSES[:2], bytes(32))))),
        encode_values(
            ("bytes32", "bytes"),
            (deposit_type, encode_values(types, (bytes(20), script.contracts.root.demo_token, bytes(32)))),
        ),
        deposit_type + (64).to_bytes(32) + (2**64).to_bytes(32) + bytes(32),
        deposit_type + (2**64).to_bytes(32) + bytes(32),
    )
    data = state.data if source.random() < 0.7 else source.choice((*odd, script.mangled(state.data)))
    state_id = source.choice((last + 1,) * 6 + (0, last, last + 3))
    sender = source.choice((ACCOUNTS.relayer,) * 6 + (script.person(),))
    script.act(script.side, sender, manager, encode_call(RECEIVE, state_id, data))


def synced_states(script: Script) -> list[StateSynced]:
    """All messages of the root chain."""
    wanted = LogFilter(frozenset({script.contracts.root.state_sender}), (frozenset({STATE_SYNCED_TOPIC}),))
    logs = script.root.model.logs(wanted, 0, script.root.model.head.number)
    return [event for event in (decode_event(each.log) for each in logs) if isinstance(event, StateSynced)]


def use_side_token(script: Script) -> None:
    """A burn, mostly; else a transfer, a deposit without the manager, a mapping."""
    source, contracts = script.source, script.contracts.side
    amount, to = script.amount(), script.address()
    burn = encode_call("withdraw(uint256)", source.choice((amount, 1, TOKEN // 7)))
    data = source.choice(
        (
            *((burn,) * 5),
            encode_call("transfer(address,uint256)", to, amount),
            encode_call("approve(address,uint256)", to, amount),
            encode_call("transferFrom(address,address,uint256)", script.address(), to, amount),
            encode_call("deposit(address,bytes)", to, bytes(32)),
        )
    )
    script.act(script.side, source.choice(ACCOUNTS.demo), contracts.demo_token, data)
    for sender in (ACCOUNTS.deployer, script.person()):
        mapping = encode_call("mapToken(address,address)", script.address(), contracts.demo_token)
        script.side.call(contracts.child_chain_manager, mapping, sender.address)


def exit_burn(script: Script) -> None:
    """A burn of the side chain under a header of the root chain: as it is, or tampered with."""
    payload = payload_of_any(script)
    if payload is None:
        return
    data = encode_payload(payload)
    if script.source.random() < 0.6:
        data = _tampered(script, data)
    call = encode_call("exit(bytes)", data)
    for _ in range(script.source.choice((1, 1, 2))):
        script.act(script.root, script.person(), script.contracts.root.root_chain_manager, call)


def payload_of_any(script: Script) -> ExitPayload | None:
    """The proof of any log under a header; mostly of a burn."""
    contract = script.contracts.root.root_chain
    last = script.number(contract, "currentHeaderBlock()") // 10_000
    if not last:
        return None
    chain, token = script.side.model, frozenset({script.contracts.side.demo_token})
    burns = chain.logs(LogFilter(token, (frozenset({TRANSFER_TOPIC}), frozenset(), BURNT_TO)), 0, chain.head.number)
    others = chain.logs(LogFilter(), 0, chain.head.number)
    found = script.source.choice(burns if burns and script.source.random() < 0.8 else others)
    types = ("bytes32", "uint256", "uint256", "uint256", "address")
    for header_id in range(10_000, (last + 1) * 10_000, 10_000):
        _, start, end, _, _ = script.read(script.root, contract, types, "headerBlocks(uint256)", header_id)
        assert isinstance(start, int)
        assert isinstance(end, int)
        if start <= found.block_number <= end <= chain.head.number:
            return _payload_of(script, found, header_id, range(start, end + 1))
    return None


def _payload_of(script: Script, found: FoundLog, header_id: int, numbers: range) -> ExitPayload:
    chain = script.side.model
    block = chain.block(found.block_number)
    leaves = [leaf_of(chain.header(number)) for number in numbers]
    receipts = [encode_receipt(receipt) for receipt in block.receipts]
    index = found.transaction_index
    return ExitPayload(
        header_id=header_id,
        block_proof=merkle.proof(leaves, found.block_number - numbers[0]),
        block_number=BlockNumber(found.block_number),
        timestamp=block.header.timestamp,
        transactions_root=block.header.transactions_root,
        receipts_root=block.header.receipts_root,
        receipt=receipts[index],
        receipt_proof=ordered_trie_proof(receipts, index),
        branch_mask=branch_mask(index),
        log_index=found.index - block.first_log_index_of(index),
    )


def _tampered(script: Script, payload: bytes) -> bytes:
    """One item replaced, missing, twice or damaged; or one byte of the whole."""
    source = script.source
    items = list(rlp.as_list(rlp.decode(payload)))
    place = source.randrange(len(items))
    item = rlp.as_bytes(items[place])
    match source.randrange(6):
        case 0:
            items[place] = source.choice((b"", b"\x00" + item, item + b"\x00", bytes(32), (item,), b"\x00\x80\x80"))
        case 1:
            del items[place]
        case 2:
            items.insert(place, item)
        case 3 if item:
            items[place] = script.mangled(item)
        case 4:
            items[place] = rlp.uint(source.choice((0, 1, 10_000, 20_000, 15_000, 2**32, 2**256 - 1)))
        case _:
            return script.mangled(payload)
    return rlp.encode(items)


STEPS = (*((deposit,) * 2), *((carry,) * 3), *((use_side_token,) * 3), *((exit_burn,) * 6))
