"""Every key of a node's `config.toml`, with its meaning, limits and default; docs/configuration.md is made from here.

These are the choices of one operator. What a network has agreed on (ranges, intervals, confirmations, contracts) stands
in its genesis and nowhere else; a node may be stricter, never laxer. Secrets are named by file.
"""

import re
from dataclasses import dataclass
from typing import Literal

from bridge.chain.fees import GWEI, FeePolicy
from bridge.chain.rpc import ENDPOINTS_MAX, RpcLimits
from bridge.codec.types import Address, Hash32, Wei
from config.burns import Burns, Exits
from config.table import FreeTable, RpcUrl, key, required
from node.api.settings import ApiSettings, networks
from node.app.genesis import ROOT_CHAINS_MAX
from node.app.messages import Upgrade as UpgradeStatement

_MEBIBYTE = 1024 * 1024
_SIGNERS_MAX = 32
_NTP_SERVER = re.compile(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?")
_DIGEST = re.compile(r"(0x)?[0-9a-fA-F]{64}")
_PEER = re.compile(r"[0-9a-f]{40}@[^@\s:]+:[0-9]{1,5}")


@dataclass(frozen=True, slots=True)
class Paths:
    """Where the node's files are. A relative path starts at the home, the directory of `config.toml`."""

    genesis: str = key("genesis.json", "The network's genesis file.")
    state_db: str = key("state.db", "The replicated state. It can be rebuilt.")
    local_db: str = key("local.db", "This node's own view of the chains. It can be rebuilt.")
    signing_db: str = key(
        "signing.db", "What this node has signed. It must never be lost, shared, or put back from an old backup."
    )
    engine_db: str = key("engine.db", "The local engine's blocks.")
    burns_db: str = key("burns.db", "A cache for questions about burns. It can be lost.")


@dataclass(frozen=True, slots=True)
class Log:
    """What the node writes to standard error."""

    level: Literal["debug", "info", "warning", "error"] = key("info", "The least level that is written.")
    format: Literal["text", "json"] = key("text", "For people, or one JSON object a line.")


@dataclass(frozen=True, slots=True)
class Api:
    """The REST API, the proof API and the metrics."""

    host: str = key("127.0.0.1", "Interface to listen on. Not loopback only behind a proxy that says who may ask.")
    port: int = key(1317, "TCP port; 0 takes a free one.", most=65_535)
    request_timeout_s: float = key(30.0, "Longest time for one request.", unit="s", least=0.1, most=600)
    requests_in_flight_max: int = key(256, "Requests served at a time; more get status 503.", least=1, most=100_000)
    requests_in_flight_per_client_max: int = key(
        128, "Of these, from one client; more get status 429.", least=1, most=100_000
    )
    waiting_max: int = key(
        1_024,
        "Clients that wait for a burn to change, by a long poll or a stream of events; they do not count as requests "
        "served. More get status 503.",
        least=1,
        most=100_000,
    )
    waiting_per_client_max: int = key(64, "Of these, from one client; more get status 429.", least=1, most=100_000)
    requests_per_client_per_s: float = key(
        20.0,
        "Requests about burns that need new work done, from one client, in the long run; more get status 429. Answers "
        "that are at hand do not count.",
        unit="1/s",
        least=0.01,
        most=1_000_000,
    )
    requests_per_client_burst: int = key(100, "How many of these it may make at once.", least=1, most=1_000_000)
    trusted_proxies: tuple[str, ...] = key(
        (),
        "Addresses or networks (`10.0.0.0/8`) of the proxies before this API, whose `X-Forwarded-For` names the "
        "client. Without them all who come through a proxy are one client. A client is an IPv4 address or an IPv6 /64.",
        most=64,
    )
    proof_networks: tuple[str, ...] = key(
        ("matic", "mumbai", "amoy"),
        "Names by which the routes of Polygon's proof generation API (`/api/v1/NAME/…`) serve the first root chain; "
        "`matic` and `amoy` are those that matic.js asks for. Every root chain has its own name besides.",
        most=16,
    )
    page_size_max: int = key(100, "Most entries on one page of a list.", least=20, most=1_000)

    def __post_init__(self) -> None:
        try:
            networks(self.trusted_proxies)
        except ValueError:
            raise ValueError("trusted_proxies must be addresses or networks, such as 10.0.0.0/8") from None

    @property
    def settings(self) -> ApiSettings:
        """The server's settings."""
        return ApiSettings(
            host=self.host,
            port=self.port,
            request_timeout_s=self.request_timeout_s,
            requests_in_flight_max=self.requests_in_flight_max,
            requests_in_flight_per_client_max=self.requests_in_flight_per_client_max,
            waiting_max=self.waiting_max,
            waiting_per_client_max=self.waiting_per_client_max,
            requests_per_client_per_s=self.requests_per_client_per_s,
            requests_per_client_burst=self.requests_per_client_burst,
            trusted_proxies=networks(self.trusted_proxies),
            proof_networks=self.proof_networks,
            page_size_max=self.page_size_max,
        )


@dataclass(frozen=True, slots=True)
class Rpc:
    """How the JSON-RPC endpoints of all chains are used."""

    budget_s: float = key(10.0, "Longest time for one call, over all endpoints tried.", unit="s", least=0.1, most=300)
    requests_in_flight_max: int = key(8, "Requests to one endpoint at a time.", least=1, most=256)
    response_bytes_max: int = key(
        32 * _MEBIBYTE, "Largest answer that is read.", unit="bytes", least=_MEBIBYTE, most=1024 * _MEBIBYTE
    )

    @property
    def limits(self) -> RpcLimits:
        """The limits of an RPC pool."""
        return RpcLimits(
            budget_s=self.budget_s,
            in_flight_max=self.requests_in_flight_max,
            response_bytes_max=self.response_bytes_max,
        )


@dataclass(frozen=True, slots=True)
class Keys:
    """Which keys this node holds, in keystore files as geth and eth-account write them."""

    keystore_dir: str = key("keystore", "Directory of keystore files, mode 0600, with the address in each name.")
    password_file: str = key("password", "File of mode 0600 whose one line opens this node's keystores.")
    signers: tuple[Address, ...] = key(
        (),
        "Signers whose keys are loaded. The state names the one to sign with, so while changing signers list the old "
        "and the new one. Without any, the node only watches.",
        most=_SIGNERS_MAX,
    )
    submission: Address | None = key(
        None, "Who pays for root-chain transactions; best none of the signers. Without it, the node never submits."
    )


@dataclass(frozen=True, slots=True)
class SideChain:
    """The chain whose blocks are checkpointed."""

    rpc_urls: tuple[RpcUrl, ...] = required(
        "JSON-RPC endpoints, the preferred one first. Give two of different providers: a checkpoint is called invalid "
        "only after a second one was asked.",
        least=1,
        most=ENDPOINTS_MAX,
    )
    confirmations: int = key(
        0, "Blocks to wait on top of a block; what the network asks for if that is more.", unit="blocks", most=100_000
    )

    def __repr__(self) -> str:
        return f"SideChain({len(self.rpc_urls)} RPC URLs)"


@dataclass(frozen=True, slots=True)
class Fees:
    """What may be paid for a unit of a root chain's gas, and when more is offered."""

    fee_cap_wei: int = key(
        500 * GWEI,
        "No transaction and no replacement offers more; above it the node waits with the reason FEE_CEILING.",
        unit="wei per gas",
        least=1,
        most=10**6 * GWEI,
    )
    priority_fee_min_wei: int = key(GWEI, "Least tip.", unit="wei per gas", most=10**6 * GWEI)
    priority_fee_max_wei: int = key(
        10 * GWEI, "Largest tip of a first offer; replacements go beyond it.", unit="wei per gas", most=10**6 * GWEI
    )
    replace_after_s: int = key(
        60,
        "A transaction that is not mined for so long, on the root chain's clock, is offered again for 12.5 % more.",
        unit="s",
        least=1,
        most=86_400,
    )

    def __post_init__(self) -> None:
        if not self.priority_fee_min_wei <= self.priority_fee_max_wei <= self.fee_cap_wei:
            raise ValueError("priority_fee_min_wei ≤ priority_fee_max_wei ≤ fee_cap_wei must hold")

    @property
    def policy(self) -> FeePolicy:
        """The outbox's fee policy."""
        return FeePolicy(
            ceiling_wei=Wei(self.fee_cap_wei),
            tip_floor_wei=Wei(self.priority_fee_min_wei),
            tip_cap_wei=Wei(self.priority_fee_max_wei),
            replace_after_s=self.replace_after_s,
        )


@dataclass(frozen=True, slots=True)
class RootChain:
    """A chain that checkpoints are put on: one `[[root_chains]]` table for each that genesis names."""

    name: str = required("The name that genesis gives it.")
    rpc_urls: tuple[RpcUrl, ...] = required(
        "JSON-RPC endpoints, the preferred one first; two of different providers are better than one.",
        least=1,
        most=ENDPOINTS_MAX,
    )
    confirmations: int = key(
        0, "Blocks to wait on top of a block; what the network asks for if that is more.", unit="blocks", most=100_000
    )
    root_chain_manager: Address | None = key(
        None,
        "RootChainManager, where burns are paid out. Without it, burns are proved, but whether they have been paid is "
        "not known.",
    )
    exits: Exits = key(Exits(), "Further contracts that take exits.")
    feed_source: Literal["bloom", "receipts"] = key(
        "bloom",
        "How our contracts' logs are found: in blocks whose bloom holds them or, where blooms are not true, in the "
        "receipts of every block. Either way, receipts are checked against the header's receiptsRoot.",
    )
    submission_gas_limit: int = key(
        1_500_000,
        "Of a checkpoint's transaction; what is not used is not paid. Polygon's contracts take up to 300,000 and "
        "30,000 for each validator, ours about a third.",
        unit="gas",
        least=100_000,
        most=16_777_216,
    )
    confirmed_contracts: str = key(
        "",
        "Fingerprint of the contracts' code that CONTRACT_CHANGED names, once the operator has looked at that code.",
    )
    fees: Fees = key(Fees(), "Prices of this root chain's transactions.")

    def __repr__(self) -> str:
        return f"RootChain({self.name}, {len(self.rpc_urls)} RPC URLs)"


@dataclass(frozen=True, slots=True)
class Comet:
    """CometBFT, which a node with `engine.kind = "comet"` runs as its child, with files of its own in `home`."""

    home: str = key("comet", "Its directory. A relative path starts at the node's home.")
    binary: str = key(
        "", "The `cometbft` to run. Without it: the one on PATH, else the one that `make cometbft` installs."
    )
    p2p_host: str = key("127.0.0.1", "Interface on which it hears its peers; `0.0.0.0` for peers on other machines.")
    p2p_port: int = key(26_656, "TCP port on which it hears its peers.", least=1, most=65_535)
    external_address: str = key("", "HOST:PORT that peers are told to dial, where it is another than it listens on.")
    persistent_peers: tuple[str, ...] = key(
        (), "Peers to stay connected with, as ID@HOST:PORT; `sidewarden testnet` and `join` write them.", most=256
    )
    snapshot_interval_blocks: int = key(
        1_000, "A snapshot of the state is kept at every multiple of this height; 0: never.", unit="blocks", most=10**9
    )
    snapshots_kept: int = key(3, "How many snapshots are kept for those who join.", least=1, most=100)
    retain_blocks: int = key(
        100_000,
        "How many blocks are kept at least, and all since the oldest snapshot; a peer that was away for longer must "
        "join anew. 0: all blocks for ever.",
        unit="blocks",
        most=10**12,
    )
    state_sync_servers: tuple[RpcUrl, ...] = key(
        (),
        "Where a node without blocks finds headers to start from a snapshot: two peers' "
        "`/sidewarden/v1/engine/rpc`. Without them, it runs all blocks from the first.",
        most=16,
    )
    state_sync_height: int = key(0, "A height that is trusted to begin with.", most=2**62)
    state_sync_hash: str = key("", "The hash of that height's block, 64 hex digits, from somebody you trust.")
    config: FreeTable = key(
        FreeTable(),
        "Settings passed on into its config.toml, such as `consensus.timeout_propose`; docs/engine.md has those that "
        "are ours to set.",
    )

    def __post_init__(self) -> None:
        for peer in self.persistent_peers:
            if not _PEER.fullmatch(peer):
                raise ValueError("persistent_peers must be ID@HOST:PORT each, with 40 hex digits as the id")
        if self.state_sync_servers and not (self.state_sync_height and self.state_sync_hash):
            raise ValueError("state_sync_servers needs state_sync_height and state_sync_hash: run `sidewarden join`")


@dataclass(frozen=True, slots=True)
class Clock:
    """How this machine's clock is watched where `engine.kind` is `comet`: the time of blocks is made of such clocks."""

    ntp_servers: tuple[str, ...] = key(
        ("time.cloudflare.com", "time.google.com", "time.apple.com", "pool.ntp.org"),
        "HOST or HOST:PORT each, of different operators. While over half of those that answer, and three at least, are "
        "over 30 s away, no precommit is signed (CLOCK_SKEW). Without three, nobody can tell.",
        most=16,
    )

    def __post_init__(self) -> None:
        for server in self.ntp_servers:
            if not _NTP_SERVER.fullmatch(server):
                raise ValueError("ntp_servers must be HOST or HOST:PORT each")


@dataclass(frozen=True, slots=True)
class Upgrade:
    """Which upgrade this operator agrees to; once over two thirds of the power name the same, it is fixed."""

    version: int = key(0, "Version of the rules that takes over, as its release notes say; 0: none.", most=255)
    height: int = key(0, "Engine block from which on it holds; at least 100 blocks after the agreement.", unit="blocks")
    notes_digest: str = key("", "keccak256 of the release notes, 64 hex digits, as the release says.")

    def __post_init__(self) -> None:
        if self.version and not (self.height and _DIGEST.fullmatch(self.notes_digest)):
            raise ValueError("upgrade.version needs upgrade.height, and upgrade.notes_digest of 64 hex digits")

    @property
    def statement(self) -> UpgradeStatement | None:
        """What the node says of it; None without one."""
        digest = Hash32(bytes.fromhex(self.notes_digest.removeprefix("0x")))
        return UpgradeStatement(self.version, self.height, digest) if self.version else None


@dataclass(frozen=True, slots=True)
class Engine:
    """Who orders the network's blocks."""

    kind: Literal["local", "comet"] = key(
        "local",
        "`comet` is real consensus: it runs CometBFT, and all nodes of a network must. `local` runs, in this process, "
        "all validators whose keys this home holds: for test networks with one owner.",
    )
    comet: Comet = key(Comet(), "CometBFT.")


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """The file's own keys, and its tables."""

    side_chain: SideChain = required("The chain whose blocks are checkpointed.")
    root_chains: tuple[RootChain, ...] = required("The chains that checkpoints go to.", least=1, most=ROOT_CHAINS_MAX)
    moniker: str = key("sidewarden", "This node's name, for people.")
    poll_interval_s: float = key(
        1.0, "How often a duty looks at its chain when nothing wakes it.", unit="s", least=0.05, most=60
    )
    paths: Paths = key(Paths(), "Where the node's files are.")
    log: Log = key(Log(), "What the node writes.")
    engine: Engine = key(Engine(), "Who orders blocks.")
    upgrade: Upgrade = key(Upgrade(), "Which upgrade this operator agrees to.")
    clock: Clock = key(Clock(), "How this machine's clock is watched.")
    api: Api = key(Api(), "The REST API.")
    burns: Burns = key(Burns(), "What is done for those who ask about burns.")
    rpc: Rpc = key(Rpc(), "How endpoints are used.")
    keys: Keys = key(Keys(), "Which keys the node holds.")

    def __post_init__(self) -> None:
        names = [root_chain.name for root_chain in self.root_chains]
        if len(set(names)) != len(names):
            raise ValueError("root_chains: two have the same name")

    def root_chain(self, name: str) -> RootChain:
        """The table of a root chain that genesis names. Raises KeyError; `check_against_genesis` rules that out."""
        for root_chain in self.root_chains:
            if root_chain.name == name:
                return root_chain
        raise KeyError(name)
