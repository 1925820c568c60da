// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Rlp} from "../shared/Rlp.sol";
import {ITokenPredicate} from "./ITokenPredicate.sol";

/// @title Holds the ERC-20 tokens that are on the side chain, and pays them out for burns.
contract ERC20Predicate is AccessControl, ITokenPredicate {
    using Rlp for bytes;
    using SafeERC20 for IERC20;

    bytes32 public constant MANAGER_ROLE = keccak256("MANAGER_ROLE");
    bytes32 public constant TOKEN_TYPE = keccak256("ERC20");
    bytes32 public constant TRANSFER_EVENT_SIG = keccak256("Transfer(address,address,uint256)");

    event LockedERC20(
        address indexed depositor,
        address indexed depositReceiver,
        address indexed rootToken,
        uint256 amount
    );
    event ExitedERC20(address indexed exitor, address indexed rootToken, uint256 amount);

    error WrongDataLength(uint256 length);

    constructor(address manager) {
        _grantRole(DEFAULT_ADMIN_ROLE, msg.sender);
        _grantRole(MANAGER_ROLE, manager);
    }

    /// @param depositData abi.encode(uint256 amount)
    function lockTokens(address depositor, address depositReceiver, address rootToken, bytes calldata depositData)
        external
        onlyRole(MANAGER_ROLE)
    {
        uint256 amount = _amount(depositData);
        emit LockedERC20(depositor, depositReceiver, rootToken, amount);
        IERC20(rootToken).safeTransferFrom(depositor, address(this), amount);
    }

    /// @notice Pays whoever burnt: the sender of a Transfer to the zero address.
    function exitTokens(address, address rootToken, bytes calldata log) external onlyRole(MANAGER_ROLE) {
        bytes calldata topics;
        bytes calldata rest = log.list();
        (, rest) = rest.takeAddress();
        (topics, rest) = rest.takeList();
        (bytes32 signature, bytes32 from, bytes32 to) = _threeTopics(topics);
        require(signature == TRANSFER_EVENT_SIG, "ERC20Predicate: INVALID_SIGNATURE");
        require(to == 0, "ERC20Predicate: INVALID_RECEIVER");
        bytes calldata data;
        (data, rest) = rest.takeBytes();
        require(rest.length == 0, Rlp.MalformedRlp());

        address exitor = address(uint160(uint256(from)));
        uint256 amount = _amount(data);
        emit ExitedERC20(exitor, rootToken, amount);
        IERC20(rootToken).safeTransfer(exitor, amount);
    }

    function _threeTopics(bytes calldata rest) private pure returns (bytes32 first, bytes32 second, bytes32 third) {
        (first, rest) = rest.takeWord();
        (second, rest) = rest.takeWord();
        (third, rest) = rest.takeWord();
        require(rest.length == 0, Rlp.MalformedRlp());
    }

    function _amount(bytes calldata data) private pure returns (uint256) {
        require(data.length == 32, WrongDataLength(data.length));
        return uint256(bytes32(data));
    }
}
