"""Every type of token of the PoS bridge: mapped pairs, deposits, burns, and blocks with any log of a child token."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from bridge.codec.abi import encode_values
from bridge.codec.exit_payload import ExitPayload, branch_mask, encode_payload
from bridge.codec.hash import keccak256
from bridge.codec.header import leaf
from bridge.codec.receipts import BLOOM_BYTES, SUCCESS, Log, Receipt, encode_receipt
from bridge.codec.trie import ordered_trie_proof, ordered_trie_root
from bridge.codec.types import ZERO_HASH, Address, Hash32, UnixSeconds, Wei
from contracts.deployment import DeploymentStep, contract_address
from contracts.loader import constructor_data
from tests.contracts.crossing import BURNER, Crossing
from tests.contracts.harness import DEPLOYER, SUBMITTER, VALIDATORS, Account, ContractChain, Mined, invoke

ETHER = Address(b"\xee" * 20)
PUPPETEER = VALIDATORS[-1]
PUPPET = contract_address(PUPPETEER.address, 0)
"""A contract at the same address on both chains, which may do something when it is paid."""
HELD = 1_000
"""Of each amount, by the burner on the side chain."""
IDS = (1, 2, 3, 4)
TIME = UnixSeconds(1_700_000_000)


class TokenType(StrEnum):
    """Types by the names whose hashes the RootChainManager knows."""

    ERC20 = "ERC20"
    ETHER = "Ether"
    MINTABLE_ERC20 = "MintableERC20"
    ERC721 = "ERC721"
    MINTABLE_ERC721 = "MintableERC721"
    ERC1155 = "ERC1155"
    MINTABLE_ERC1155 = "MintableERC1155"

    @property
    def key(self) -> Hash32:
        """As mapToken takes it."""
        return keccak256(self.value.encode())

    @property
    def is_mintable(self) -> bool:
        """Whether its predicate mints what it does not hold."""
        return self.value.startswith("Mintable")


NEW = tuple(each for each in TokenType if each is not TokenType.ERC20)


@dataclass(frozen=True, slots=True)
class Pair:
    """A token of both chains, and what holds it on the root chain."""

    predicate: Address
    root: Address
    child: Address


@dataclass
class Tokens:
    """A crossing with a pair for each type."""

    crossing: Crossing
    pairs: dict[TokenType, Pair]

    def copy(self) -> "Tokens":
        """The same chains, going their own way."""
        return replace(self, crossing=self.crossing.copy())

    @property
    def root(self) -> ContractChain:
        """The root chain."""
        return self.crossing.root.chain

    @property
    def side(self) -> ContractChain:
        """The side chain."""
        return self.crossing.side

    @property
    def manager(self) -> Address:
        """The RootChainManager."""
        return self.crossing.root.contracts.root_chain_manager

    def deposit(self, kind: TokenType, user: Address, data: bytes) -> DeploymentStep:
        """The call that locks tokens of the sender, who has allowed it to the predicate."""
        signature = "depositFor(address,address,bytes)"
        return invoke(self.manager, signature, user, self.pairs[kind].root, data)

    def burn(self, kind: TokenType, signature: str, *arguments: object, sender: Account = BURNER) -> ExitPayload:
        """The proof of the first log of a call of a child token, under a checkpoint."""
        mined = self.side.send(sender, invoke(self.pairs[kind].child, signature, *arguments))
        self.crossing.checkpoint()
        return self.crossing.payload(mined.header)

    def exit(self, payload: ExitPayload | bytes) -> Mined:
        """Take out what a payload proves; it must be accepted."""
        return self.root.send(SUBMITTER, self.exit_step(payload))

    def refusal(self, payload: ExitPayload | bytes) -> str:
        """Why the exit would be refused."""
        return self.root.refusal(SUBMITTER, self.exit_step(payload))

    def exit_step(self, payload: ExitPayload | bytes) -> DeploymentStep:
        """The call that takes out what a payload proves."""
        return self.crossing.exit(payload if isinstance(payload, bytes) else encode_payload(payload))

    def prove(self, *logs: Log, receipt_type: int = 2, log_index: int = 0) -> ExitPayload:
        """The proof of a log in a block that nobody mined, alone under a checkpoint."""
        receipt = encode_receipt(Receipt(receipt_type, SUCCESS, 21_000, bytes(BLOOM_BYTES), logs))
        checkpoint = self.crossing.root.checkpoint(blocks=1)
        header_id = self.crossing.root.next_header_number() * 10_000
        root = ordered_trie_root((receipt,))
        block_leaf = leaf(checkpoint.start, TIME, ZERO_HASH, root)
        self.crossing.root.submit(replace(checkpoint, root_hash=block_leaf))
        return ExitPayload(
            header_id=header_id,
            block_proof=(),
            block_number=checkpoint.start,
            timestamp=TIME,
            transactions_root=ZERO_HASH,
            receipts_root=root,
            receipt=receipt,
            receipt_proof=ordered_trie_proof((receipt,), 0),
            branch_mask=branch_mask(0),
            log_index=log_index,
        )

    def owner(self, token: Address, token_id: int) -> Address:
        """Who holds an ERC-721 on the root chain."""
        return self.root.address(token, "ownerOf(uint256)", token_id)

    def balance(self, token: Address, holder: Address, token_id: int | None = None) -> int:
        """Ether, ERC-20 or ERC-1155 tokens of the root chain."""
        if token == ETHER:
            return self.root.embedded.balance(holder)
        if token_id is None:
            return self.root.number(token, "balanceOf(address)", holder)
        return self.root.number(token, "balanceOf(address,uint256)", holder, token_id)


def topic(address: Address) -> Hash32:
    """An address as a log indexes it."""
    return Hash32(address.rjust(32, b"\x00"))


def number(value: int) -> Hash32:
    """A number as a log indexes it."""
    return Hash32(value.to_bytes(32))


def uints(*lists: Sequence[int]) -> bytes:
    """abi.encode(uint256[] …)"""
    return encode_values(("uint256[]",) * len(lists), tuple(tuple(each) for each in lists))


def batch_deposit(ids: Sequence[int], amounts: Sequence[int], data: bytes = b"") -> bytes:
    """abi.encode(uint256[] ids, uint256[] amounts, bytes data)"""
    return encode_values(("uint256[]", "uint256[]", "bytes"), (tuple(ids), tuple(amounts), data))


def ether_deposit(manager: Address, user: Address, amount_wei: int) -> DeploymentStep:
    """Ether of the sender, to be wrapped for `user` on the side chain."""
    call = invoke(manager, "depositEtherFor(address)", user)
    return replace(call, value_wei=Wei(amount_wei))


def create(chain: ContractChain, name: str, *arguments: object, sender: Account = DEPLOYER) -> Address:
    """A new contract."""
    address = contract_address(sender.address, chain.embedded.nonce(sender.address))
    chain.send(sender, DeploymentStep(f"create {name}", None, constructor_data(name, *arguments)))
    return address


def add_tokens(crossing: Crossing) -> Tokens:
    """Deploy and map a pair for every type; the burner holds some of each on the side chain."""
    tokens = Tokens(crossing, {})
    for kind in NEW:
        tokens.pairs[kind] = _add_pair(tokens, kind)
    for chain in (tokens.root, tokens.side):
        create(chain, "Puppet", sender=PUPPETEER)
    _fund(tokens)
    crossing.checkpoint()
    return tokens


def _add_pair(tokens: Tokens, kind: TokenType) -> Pair:
    root, side = tokens.root, tokens.side
    predicate = create(root, f"{kind}Predicate", tokens.manager)
    root.send(DEPLOYER, invoke(tokens.manager, "registerPredicate(bytes32,address)", kind.key, predicate))
    root_token = _root_token(root, kind, predicate)
    name = "ERC20" if kind is TokenType.ETHER else kind.value
    names: tuple[str, ...] = ("",) if "1155" in name else ("Child", "CHILD")
    child = create(side, f"Child{name}", *names, tokens.crossing.side_contracts.child_chain_manager)
    map_token = invoke(tokens.manager, "mapToken(address,address,bytes32)", root_token, child, kind.key)
    tokens.crossing.carry(root.send(DEPLOYER, map_token))
    return Pair(predicate, root_token, child)


def _root_token(root: ContractChain, kind: TokenType, predicate: Address) -> Address:
    if kind is TokenType.ETHER:
        return ETHER
    return create(root, f"Demo{kind}", predicate) if kind.is_mintable else create(root, f"Demo{kind}")


def _fund(tokens: Tokens) -> None:
    root, side, pairs, carry = tokens.root, tokens.side, tokens.pairs, tokens.crossing.carry
    carry(root.send(DEPLOYER, ether_deposit(tokens.manager, BURNER.address, HELD)))
    nft, multi = pairs[TokenType.ERC721], pairs[TokenType.ERC1155]
    mint, allow = "mint(address,uint256)", "setApprovalForAll(address,bool)"
    root.send_all(
        DEPLOYER,
        *(invoke(nft.root, mint, DEPLOYER.address, each) for each in IDS),
        *(invoke(multi.root, "mint(address,uint256,uint256)", DEPLOYER.address, each, HELD) for each in IDS),
        *(invoke(each.root, allow, each.predicate, True) for each in (nft, multi)),
    )
    carry(root.send(DEPLOYER, tokens.deposit(TokenType.ERC721, BURNER.address, uints(IDS))))
    carry(root.send(DEPLOYER, tokens.deposit(TokenType.ERC1155, BURNER.address, batch_deposit(IDS, [HELD] * len(IDS)))))
    children = {kind: pair.child for kind, pair in pairs.items()}
    mint_multi = "mint(address,uint256,uint256,bytes)"
    multi_child = children[TokenType.MINTABLE_ERC1155]
    side.send_all(
        DEPLOYER,
        invoke(children[TokenType.MINTABLE_ERC20], mint, BURNER.address, HELD),
        *(invoke(children[TokenType.MINTABLE_ERC721], mint, BURNER.address, each) for each in IDS),
        *(invoke(multi_child, mint_multi, BURNER.address, each, HELD, b"") for each in IDS),
    )
