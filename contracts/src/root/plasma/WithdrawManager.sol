// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Heap} from "@openzeppelin/contracts/utils/structs/Heap.sol";
import {ExitPayload} from "../ExitPayload.sol";
import {RootChain} from "../RootChain.sol";
import {IExitPredicate} from "./IExitPredicate.sol";
import {Registry} from "./Registry.sol";
import {WithdrawLog} from "./WithdrawLog.sol";

/// @title The waiting exits of the plasma bridge: started by proof of a burn, paid when their time has come.
/// @notice An exit has an id, which says when it may be paid and which burn it is of. From the highest bit down:
///
///     exitable at (128) | ordinal (31) | block number (64) | branch mask (32) | 0 (1)
///
/// The ordinal is the number of Withdraw logs, of ERC-20 or ERC-721 form and of any emitter, that stand before this one
/// in its receipt. The branch mask is the RLP of the transaction's index, as a number. So the only or first Withdraw of
/// a receipt has the id that Polygon's contract gives it; there no other Withdraw of that receipt can come out. Here the
/// others have ids of their own. The 128 bits below the time follow from the place of the log alone, which never
/// changes; no two exits share them.
/// @dev No NFT stands for a waiting exit: whoever started it is paid.
contract WithdrawManager {
    using Heap for Heap.Uint256Heap;

    struct PlasmaExit {
        uint256 receiptAmountOrNFTId;
        bytes32 txHash;
        address owner;
        address token;
        bool isRegularExit;
        address predicate;
    }

    /// @notice The gas that a payment gets. What fails with it waits for `retryExit`.
    uint32 public constant ON_FINALIZE_GAS_LIMIT = 300_000;
    /// @dev What must be left before a payment, so that it gets its gas and this contract can go on.
    uint256 private constant GAS_PER_EXIT = ON_FINALIZE_GAS_LIMIT + 400_000;

    /// @notice In seconds. An exit waits two of these from its checkpoint, and at least one from its start.
    uint256 public immutable HALF_EXIT_PERIOD;
    RootChain public immutable rootChain;
    Registry public immutable registry;

    /// @notice Every exit ever started, by its id.
    mapping(uint256 exitId => PlasmaExit) public exits;
    /// @notice The burns that exits were started for: the lower half of the exit's id.
    mapping(uint128 burn => bool) public isKnownExit;
    /// @notice Exits whose turn has come and whose payment failed.
    mapping(uint256 exitId => bool) public failedExits;
    mapping(address token => Heap.Uint256Heap) private _queues;

    event ExitStarted(
        address indexed exitor,
        uint256 indexed exitId,
        address indexed token,
        uint256 amount,
        bool isRegularExit
    );
    event Withdraw(uint256 indexed exitId, address indexed user, address indexed token, uint256 amount);
    event ExitFailed(uint256 indexed exitId);

    error OnlyBurnExits();
    error MaskTooLong(uint256 length);
    error TooLittleGas();
    error NotFailed(uint256 exitId);
    error StillFails(uint256 exitId);

    constructor(RootChain rootChain_, Registry registry_, uint32 halfExitPeriod) {
        HALF_EXIT_PERIOD = halfExitPeriod;
        rootChain = rootChain_;
        registry = registry_;
    }

    /// @notice Checks that a log stands in a side-chain block under a checkpoint; half the exit's id, if it is a burn.
    /// @param data an ExitPayload
    /// @param offset 0, and no proof of the transaction: there are no other exits here than those of burns
    function verifyInclusion(bytes calldata data, uint8 offset, bool verifyTxInclusion)
        external
        view
        returns (uint256 age)
    {
        require(offset == 0 && !verifyTxInclusion, OnlyBurnExits());
        ExitPayload.verify(data, rootChain);
        (uint256 headerId, uint256 blockNumber, bytes calldata receipt, bytes calldata mask, uint256 logIndex) =
            ExitPayload.place(data);
        require(mask.length <= 5, MaskTooLong(mask.length));
        uint256 ordinal = WithdrawLog.countAmong(ExitPayload.logsOf(receipt), logIndex);
        uint256 burn = uint256(SafeCast.toUint64(blockNumber)) << 32 | uint256(bytes32(mask)) >> (8 * (32 - mask.length));
        (,,, uint256 createdAt,) = rootChain.headerBlocks(headerId);
        uint256 exitableAt = Math.max(createdAt + 2 * HALF_EXIT_PERIOD, block.timestamp + HALF_EXIT_PERIOD);
        return exitableAt << 127 | ordinal << 96 | burn;
    }

    /// @notice Has an exit wait for its time. For predicates, which vouch that `exitor` burnt it on the side chain.
    /// @param priority the exit's id, twice what `verifyInclusion` said
    function addExitToQueue(
        address exitor,
        address childToken,
        address rootToken,
        uint256 exitAmountOrTokenId,
        bytes32 txHash,
        bool isRegularExit,
        uint256 priority
    ) external {
        require(isRegularExit, OnlyBurnExits());
        require(
            registry.rootToChildToken(rootToken) == childToken && childToken != address(0),
            "INVALID_ROOT_TO_CHILD_TOKEN_MAPPING"
        );
        Registry.Type wanted = registry.isERC721(rootToken) ? Registry.Type.ERC721 : Registry.Type.ERC20;
        require(registry.predicates(msg.sender) == wanted, "INVALID_PREDICATE");
        require(!isKnownExit[uint128(priority)], "KNOWN_EXIT");
        isKnownExit[uint128(priority)] = true;
        exits[priority] = PlasmaExit(exitAmountOrTokenId, txHash, exitor, rootToken, true, msg.sender);
        _queues[rootToken].insert(priority);
        emit ExitStarted(exitor, priority, rootToken, exitAmountOrTokenId, true);
    }

    /// @notice Pays the exits of a token whose time has come, the oldest first, as far as the gas goes.
    /// @dev Fails if it does not go for one, so that an estimate of the gas is enough for one.
    function processExits(address token) external {
        Heap.Uint256Heap storage queue = _queues[token];
        for (bool any = false; queue.length() != 0; any = true) {
            uint256 exitId = queue.peek();
            if (exitId >> 128 > block.timestamp) return;
            if (gasleft() < GAS_PER_EXIT) {
                require(any, TooLittleGas());
                return;
            }
            queue.pop();
            if (!_pay(exitId)) {
                failedExits[exitId] = true;
                emit ExitFailed(exitId);
            }
        }
    }

    /// @notice Pays an exit whose payment failed in its turn, say because its owner refused the ether.
    function retryExit(uint256 exitId) external {
        require(failedExits[exitId], NotFailed(exitId));
        failedExits[exitId] = false;
        require(_pay(exitId), StillFails(exitId));
    }

    /// @notice How many exits of a token wait.
    function waitingExits(address token) external view returns (uint256) {
        return _queues[token].length();
    }

    /// @dev The exit must be out of its queue and not be marked as failed: the payment may call back.
    function _pay(uint256 exitId) private returns (bool) {
        PlasmaExit memory each = exits[exitId];
        bytes memory data = abi.encode(exitId, each.token, each.owner, each.receiptAmountOrNFTId);
        try IExitPredicate(each.predicate).onFinalizeExit{gas: ON_FINALIZE_GAS_LIMIT}(data) {
            emit Withdraw(exitId, each.owner, each.token, each.receiptAmountOrNFTId);
            return true;
        } catch {
            return false;
        }
    }
}
