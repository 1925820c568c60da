// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {StakeManager} from "./StakeManager.sol";

/// @title The checkpoints of one side chain, each accepted on signatures of more than two thirds of the stake.
/// @notice Selectors, events and getters are those of Polygon's RootChain. Header ids are 10000, 20000, and so on.
/// @dev A header takes one slot for its root, and 80 bits of a slot that it shares with two others: its end block, its
/// time and the number of its proposer's signer. Its start is the end of the one before it plus one.
contract RootChain is Ownable {
    /// @notice What validators sign: Polygon's six words, or those with a header id and a deadline, bound to here.
    enum DataForm {
        Polygon,
        Bound
    }

    struct Head {
        uint64 count;
        uint64 lastEnd;
    }

    struct Checkpoint {
        address proposer;
        uint256 start;
        uint256 end;
        bytes32 rootHash;
        bytes32 accountRootHash;
        uint256 sideChainId;
    }

    uint256 private constant HEADER_ID_STEP = 10_000;
    uint256 private constant POLYGON_DATA_BYTES = 6 * 32;
    uint256 private constant BOUND_DATA_BYTES = 8 * 32;
    uint256 private constant LANES = 3;
    uint256 private constant LANE_BITS = 80;
    uint256 private constant LANE_MASK = (1 << LANE_BITS) - 1;

    bytes32 private constant DOMAIN_TYPEHASH = keccak256("EIP712Domain(uint256 chainId,address verifyingContract)");
    bytes32 private constant CHECKPOINT_TYPEHASH = keccak256(
        "Checkpoint(address proposer,uint256 start,uint256 end,bytes32 rootHash,bytes32 accountRootHash,"
        "uint256 sideChainId,uint256 headerId,uint256 validUntil)"
    );

    DataForm public immutable DATA_FORM;
    /// @notice The side chain's id.
    uint256 public immutable CHAINID;
    StakeManager public immutable stakeManager;

    Head private _head;
    mapping(uint256 number => bytes32) private _roots;
    mapping(uint256 group => uint256) private _lanes;

    /// @notice `reward` is always 0: no rewards are paid yet.
    event NewHeaderBlock(
        address indexed proposer,
        uint256 indexed headerBlockId,
        uint256 indexed reward,
        uint256 start,
        uint256 end,
        bytes32 root
    );
    event ResetHeaderBlock(address indexed proposer, uint256 indexed headerBlockId);

    error WrongDataLength(uint256 length, uint256 expected);
    error WrongHeaderId(uint256 signed, uint256 expected);
    error CheckpointExpired(uint256 validUntil);

    constructor(DataForm form, uint256 sideChainId, StakeManager stakeManager_) Ownable(msg.sender) {
        DATA_FORM = form;
        CHAINID = sideChainId;
        stakeManager = stakeManager_;
    }

    /// @notice Accepts the next checkpoint. Anybody may send it: only the signatures count.
    /// @param data the six words of a Checkpoint; in the bound form followed by the header id and the deadline
    /// @param sigs (r, s, v) of each signature, strictly ascending by the address that it recovers to
    function submitCheckpoint(bytes calldata data, uint256[3][] calldata sigs) external {
        Head memory head = _head;
        uint256 number = head.count + 1;
        bytes32 digest = DATA_FORM == DataForm.Bound ? _boundDigest(data, number) : _polygonDigest(data);
        Checkpoint memory checkpoint = abi.decode(data, (Checkpoint));

        require(checkpoint.sideChainId == CHAINID, "Invalid bor chain id");
        uint256 start = head.count == 0 ? 0 : head.lastEnd + 1;
        require(checkpoint.start == start && checkpoint.end >= start, "INCORRECT_HEADER_DATA");

        uint256 proposerNumber = stakeManager.checkSignatures(
            checkpoint.end - start + 1,
            digest,
            checkpoint.accountRootHash,
            checkpoint.proposer,
            sigs
        );

        uint32 end = SafeCast.toUint32(checkpoint.end);
        _head = Head({count: uint64(number), lastEnd: end});
        _roots[number] = checkpoint.rootHash;
        _writeLane(number, end, proposerNumber);
        emit NewHeaderBlock(
            checkpoint.proposer, number * HEADER_ID_STEP, 0, start, checkpoint.end, checkpoint.rootHash
        );
    }

    /// @notice Forgets the header `headerBlockId` and all after it, so that the next checkpoint takes that id.
    function setNextHeaderBlock(uint256 headerBlockId) external onlyOwner {
        uint256 number = headerBlockId / HEADER_ID_STEP;
        require(number * HEADER_ID_STEP == headerBlockId && number != 0 && number <= _head.count + 1, "Invalid value");
        uint256 last = number - 1;
        uint256 lastEnd = last == 0 ? 0 : _endOf(last);
        _head = Head({count: uint64(last), lastEnd: uint64(lastEnd)});
        emit ResetHeaderBlock(msg.sender, headerBlockId);
    }

    /// @notice The header of an id; all zero if there is none.
    function headerBlocks(uint256 headerBlockId)
        external
        view
        returns (bytes32 root, uint256 start, uint256 end, uint256 createdAt, address proposer)
    {
        uint256 number = headerBlockId / HEADER_ID_STEP;
        if (number * HEADER_ID_STEP != headerBlockId || number == 0 || number > _head.count) {
            return (root, start, end, createdAt, proposer);
        }
        uint256 lane = _lane(number);
        root = _roots[number];
        start = number == 1 ? 0 : _endOf(number - 1) + 1;
        end = uint32(lane);
        createdAt = uint32(lane >> 32);
        proposer = stakeManager.signerAt(uint16(lane >> 64));
    }

    /// @notice The id of the last header, 0 if there is none.
    function currentHeaderBlock() external view returns (uint256) {
        return _head.count * HEADER_ID_STEP;
    }

    /// @notice The id that the next header will have.
    function _nextHeaderBlock() external view returns (uint256) {
        return (_head.count + 1) * HEADER_ID_STEP;
    }

    /// @notice The last side-chain block under a header; 0 also if there is no header.
    function getLastChildBlock() external view returns (uint256) {
        return _head.lastEnd;
    }

    function _polygonDigest(bytes calldata data) private pure returns (bytes32) {
        require(data.length == POLYGON_DATA_BYTES, WrongDataLength(data.length, POLYGON_DATA_BYTES));
        return keccak256(abi.encodePacked(bytes1(0x01), data));
    }

    function _boundDigest(bytes calldata data, uint256 number) private view returns (bytes32) {
        require(data.length == BOUND_DATA_BYTES, WrongDataLength(data.length, BOUND_DATA_BYTES));
        (uint256 headerId, uint256 validUntil) = abi.decode(data[POLYGON_DATA_BYTES:], (uint256, uint256));
        require(headerId == number * HEADER_ID_STEP, WrongHeaderId(headerId, number * HEADER_ID_STEP));
        require(block.timestamp <= validUntil, CheckpointExpired(validUntil));
        bytes32 domain = keccak256(abi.encode(DOMAIN_TYPEHASH, block.chainid, address(this)));
        return MessageHashUtils.toTypedDataHash(domain, keccak256(abi.encodePacked(CHECKPOINT_TYPEHASH, data)));
    }

    function _writeLane(uint256 number, uint32 end, uint256 proposerNumber) private {
        uint256 lane = end | (uint256(SafeCast.toUint32(block.timestamp)) << 32)
            | (uint256(SafeCast.toUint16(proposerNumber)) << 64);
        (uint256 group, uint256 shift) = _place(number);
        _lanes[group] = (_lanes[group] & ~(LANE_MASK << shift)) | (lane << shift);
    }

    function _lane(uint256 number) private view returns (uint256) {
        (uint256 group, uint256 shift) = _place(number);
        return (_lanes[group] >> shift) & LANE_MASK;
    }

    function _endOf(uint256 number) private view returns (uint256) {
        return uint32(_lane(number));
    }

    function _place(uint256 number) private pure returns (uint256 group, uint256 shift) {
        return ((number - 1) / LANES, ((number - 1) % LANES) * LANE_BITS);
    }
}
