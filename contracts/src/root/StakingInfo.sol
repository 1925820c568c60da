// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title The log of the StakeManager: what the validators of the side chain follow.
/// @notice Staked, StakeUpdate, SignerChange and UnstakeInit carry one counter per validator, from 1 without gaps.
contract StakingInfo {
    address public immutable stakeManager;
    mapping(uint256 validatorId => uint256 nonce) public validatorNonce;

    event Staked(
        address indexed signer,
        uint256 indexed validatorId,
        uint256 nonce,
        uint256 indexed activationEpoch,
        uint256 amount,
        uint256 total,
        bytes signerPubkey
    );
    event StakeUpdate(uint256 indexed validatorId, uint256 indexed nonce, uint256 indexed newAmount);
    event SignerChange(
        uint256 indexed validatorId,
        uint256 nonce,
        address indexed oldSigner,
        address indexed newSigner,
        bytes signerPubkey
    );
    event UnstakeInit(
        address indexed user,
        uint256 indexed validatorId,
        uint256 nonce,
        uint256 deactivationEpoch,
        uint256 indexed amount
    );
    event Unstaked(address indexed user, uint256 indexed validatorId, uint256 amount, uint256 total);
    event Restaked(uint256 indexed validatorId, uint256 amount, uint256 total);
    event TopUpFee(address indexed user, uint256 indexed fee);
    event ClaimFee(address indexed user, uint256 indexed fee);

    error OnlyStakeManager();

    modifier onlyStakeManager() {
        require(msg.sender == stakeManager, OnlyStakeManager());
        _;
    }

    constructor(address stakeManager_) {
        stakeManager = stakeManager_;
    }

    function logStaked(
        address signer,
        bytes calldata signerPubkey,
        uint256 validatorId,
        uint256 activationEpoch,
        uint256 amount,
        uint256 total
    ) external onlyStakeManager {
        emit Staked(signer, validatorId, ++validatorNonce[validatorId], activationEpoch, amount, total, signerPubkey);
    }

    function logStakeUpdate(uint256 validatorId, uint256 newAmount) external onlyStakeManager {
        emit StakeUpdate(validatorId, ++validatorNonce[validatorId], newAmount);
    }

    function logSignerChange(uint256 validatorId, address oldSigner, address newSigner, bytes calldata signerPubkey)
        external
        onlyStakeManager
    {
        emit SignerChange(validatorId, ++validatorNonce[validatorId], oldSigner, newSigner, signerPubkey);
    }

    function logUnstakeInit(address user, uint256 validatorId, uint256 deactivationEpoch, uint256 amount)
        external
        onlyStakeManager
    {
        emit UnstakeInit(user, validatorId, ++validatorNonce[validatorId], deactivationEpoch, amount);
    }

    function logUnstaked(address user, uint256 validatorId, uint256 amount, uint256 total) external onlyStakeManager {
        emit Unstaked(user, validatorId, amount, total);
    }

    function logRestaked(uint256 validatorId, uint256 amount, uint256 total) external onlyStakeManager {
        emit Restaked(validatorId, amount, total);
    }

    function logTopUpFee(address user, uint256 fee) external onlyStakeManager {
        emit TopUpFee(user, fee);
    }

    function logClaimFee(address user, uint256 fee) external onlyStakeManager {
        emit ClaimFee(user, fee);
    }
}
