// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {BlockTree} from "../shared/BlockTree.sol";
import {Secp256k1} from "../shared/Secp256k1.sol";
import {StakingInfo} from "./StakingInfo.sol";
import {ValidatorSet} from "./ValidatorSet.sol";

/// @title The validators, their stake, and the check of their signatures under a checkpoint.
/// @notice Selectors and getters are those of Polygon's StakeManager. There is no delegation, and no reward.
/// @dev An epoch is one accepted checkpoint. Whoever stakes counts at once; whoever leaves counts until the epoch ends.
/// Power is whole tokens, stake // 10^18 of each validator. Every change of the set writes its account anew.
contract StakeManager is Ownable {
    using SafeERC20 for IERC20;
    using ValidatorSet for uint256[];

    /// @dev Numbered as Polygon numbers them; nothing locks a validator.
    enum Status {
        Inactive,
        Active,
        Locked,
        Unstaked
    }

    struct Parameters {
        uint256 minDeposit;
        uint256 minHeimdallFee;
        uint256 signerUpdateLimit;
        uint256 validatorThreshold;
        uint256 withdrawalDelay;
    }

    struct Validator {
        uint128 amount;
        uint64 activationEpoch;
        uint64 deactivationEpoch;
        address signer;
        Status status;
        address owner;
    }

    /// @dev The answer of Polygon's getter `validators`.
    struct ValidatorWords {
        uint256 amount;
        uint256 reward;
        uint256 activationEpoch;
        uint256 deactivationEpoch;
        uint256 jailTime;
        address signer;
        address contractAddress;
        Status status;
        uint256 commissionRate;
        uint256 lastCommissionUpdate;
        uint256 delegatorsReward;
        uint256 delegatedAmount;
        uint256 initialRewardPerStake;
    }

    /// @dev What every checkpoint reads and writes, in one slot.
    struct Round {
        address validatorSet;
        uint64 epoch;
        bool someoneLeaves;
    }

    uint256 private constant TOKEN = 1 ether;
    uint256 public constant INCORRECT_VALIDATOR_ID = type(uint256).max;

    IERC20 public immutable token;
    StakingInfo public immutable logger;
    address public immutable rootChain;

    uint256 public minDeposit;
    uint256 public minHeimdallFee;
    uint256 public signerUpdateLimit;
    uint256 public validatorThreshold;
    uint256 public withdrawalDelay;

    Round private _round;
    uint128 private _stakeInForce;
    uint64 private _validatorsInForce;
    bytes32 public accountStateRoot;
    uint256 public totalStaked;
    uint256 public totalHeimdallFee;
    uint256 public NFTCounter = 1;
    uint256[] private _leavers;
    /// @dev Every signer that ever was, by number from 1: a header names its proposer by that.
    address[] private _signers;

    mapping(uint256 validatorId => Validator) private _validators;
    mapping(address owner => uint256 validatorId) private _validatorOf;
    /// @notice The validator of a signer; INCORRECT_VALIDATOR_ID for one that no longer signs, and never will again.
    mapping(address signer => uint256 validatorId) public signerToValidator;
    mapping(uint256 validatorId => uint256 epoch) public latestSignerUpdateEpoch;
    /// @notice What each account has claimed of its fees so far.
    mapping(address user => uint256 amount) public userFeeExit;

    error OnlyRootChain();
    error NotTheOwnerOf(uint256 validatorId);
    error NoValidatorOf(address user);
    error InvalidUser();
    error NoMoreSigners();
    error AlreadyAValidator(address user);
    error DelegationUnsupported();
    error DepositTooSmall(uint256 amount, uint256 minimum);
    error NothingToRestake();
    error NotActive(uint256 validatorId);
    error AlreadyLeaving(uint256 validatorId);
    error ClaimTooEarly(uint256 validatorId);
    error NothingToClaim();
    error ProposerNotAValidator(address proposer);
    error ParameterOutOfRange();

    modifier onlyOwnerOf(uint256 validatorId) {
        require(msg.sender == _validators[validatorId].owner, NotTheOwnerOf(validatorId));
        _;
    }

    constructor(IERC20 token_, StakingInfo logger_, address rootChain_, Parameters memory parameters)
        Ownable(msg.sender)
    {
        token = token_;
        logger = logger_;
        rootChain = rootChain_;
        _setMinAmounts(parameters.minDeposit, parameters.minHeimdallFee);
        _setValidatorThreshold(parameters.validatorThreshold);
        signerUpdateLimit = parameters.signerUpdateLimit;
        withdrawalDelay = parameters.withdrawalDelay;
        _round.epoch = 1;
        _signers.push();
    }

    // ------------------------------------------------------------------ checkpoints

    /// @notice Counts the signatures under a checkpoint and ends the epoch.
    /// @param voteHash what was signed
    /// @param stateRoot the root of the fee accounts that the checkpoint carries
    /// @param sigs (r, s, v) words, strictly ascending by signer; each must be of a validator in force
    /// @return the number of the proposer's signer (Polygon returns the reward here)
    function checkSignatures(
        uint256, /* blockInterval: rewards would depend on it */
        bytes32 voteHash,
        bytes32 stateRoot,
        address proposer,
        uint256[3][] calldata sigs
    ) external returns (uint256) {
        require(msg.sender == rootChain, OnlyRootChain());
        Round memory round = _round;
        uint256[] memory set = ValidatorSet.read(round.validatorSet);
        ValidatorSet.Tally memory tally = set.tally(voteHash, sigs, proposer);
        require(tally.proposerNumber != 0, ProposerNotAValidator(proposer));
        require(tally.signed >= (tally.total * 2) / 3 + 1, "2/3+1 non-majority!");

        accountStateRoot = stateRoot;
        round.epoch += 1;
        if (round.someoneLeaves) {
            round.validatorSet = ValidatorSet.write(_removeLeavers(set, round.epoch));
            round.someoneLeaves = false;
        }
        _round = round;
        return tally.proposerNumber;
    }

    // ------------------------------------------------------------------ staking

    /// @notice Makes `user` the owner of a new validator. The sender pays stake and fee.
    function stakeForPOL(
        address user,
        uint256 amount,
        uint256 heimdallFee,
        bool acceptDelegation,
        bytes calldata signerPubkey
    ) public {
        require(!acceptDelegation, DelegationUnsupported());
        require(_validatorsInForce < validatorThreshold, "no more slots");
        require(amount >= minDeposit, DepositTooSmall(amount, minDeposit));
        require(user != address(0), InvalidUser());
        require(_validatorOf[user] == 0, AlreadyAValidator(user));
        uint256 validatorId = NFTCounter++;
        address signer = _registerSigner(validatorId, signerPubkey);
        uint64 epochNow = _round.epoch;

        _validators[validatorId] = Validator({
            amount: SafeCast.toUint128(amount),
            activationEpoch: epochNow,
            deactivationEpoch: 0,
            signer: signer,
            status: Status.Active,
            owner: user
        });
        _validatorOf[user] = validatorId;
        totalStaked += amount;
        _stakeInForce += uint128(amount);
        _validatorsInForce += 1;
        _writeSet(_readSet().with(_entry(signer, amount, _signers.length - 1)));

        _topUp(user, heimdallFee);
        logger.logStaked(signer, signerPubkey, validatorId, epochNow, amount, totalStaked);
        token.safeTransferFrom(msg.sender, address(this), amount + heimdallFee);
    }

    /// @notice The same as stakeForPOL: there is one staking token.
    function stakeFor(
        address user,
        uint256 amount,
        uint256 heimdallFee,
        bool acceptDelegation,
        bytes calldata signerPubkey
    ) external {
        stakeForPOL(user, amount, heimdallFee, acceptDelegation, signerPubkey);
    }

    /// @notice Adds to the stake of a validator. There are no rewards that the flag could add.
    function restakePOL(uint256 validatorId, uint256 amount, bool /* stakeRewards */ )
        external
        onlyOwnerOf(validatorId)
    {
        Validator storage validator = _validators[validatorId];
        require(validator.deactivationEpoch == 0, AlreadyLeaving(validatorId));
        require(amount != 0, NothingToRestake());
        uint256 newAmount = validator.amount + amount;
        validator.amount = SafeCast.toUint128(newAmount);
        totalStaked += amount;
        _stakeInForce += uint128(amount);
        (uint256[] memory others, uint256 word) = _readSet().without(validator.signer);
        _writeSet(others.with(_entry(validator.signer, newAmount, ValidatorSet.numberOf(word))));

        logger.logStakeUpdate(validatorId, newAmount);
        logger.logRestaked(validatorId, newAmount, totalStaked);
        token.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @notice Replaces the signer of a validator at once. The old one can never sign for anybody again.
    function updateSigner(uint256 validatorId, bytes calldata signerPubkey) external onlyOwnerOf(validatorId) {
        require(isValidator(validatorId), NotActive(validatorId));
        uint64 epochNow = _round.epoch;
        require(epochNow >= latestSignerUpdateEpoch[validatorId] + signerUpdateLimit, "Not allowed");
        Validator storage validator = _validators[validatorId];
        address oldSigner = validator.signer;
        address newSigner = _registerSigner(validatorId, signerPubkey);

        signerToValidator[oldSigner] = INCORRECT_VALIDATOR_ID;
        validator.signer = newSigner;
        latestSignerUpdateEpoch[validatorId] = epochNow;
        (uint256[] memory others,) = _readSet().without(oldSigner);
        _writeSet(others.with(_entry(newSigner, validator.amount, _signers.length - 1)));
        logger.logSignerChange(validatorId, oldSigner, newSigner, signerPubkey);
    }

    /// @notice Announces that a validator leaves. It counts, and may sign, until the next checkpoint is accepted.
    function unstakePOL(uint256 validatorId) external onlyOwnerOf(validatorId) {
        Validator storage validator = _validators[validatorId];
        require(validator.deactivationEpoch == 0, AlreadyLeaving(validatorId));
        validator.deactivationEpoch = _round.epoch + 1;
        _leavers.push(validatorId);
        _round.someoneLeaves = true;
        logger.logUnstakeInit(msg.sender, validatorId, validator.deactivationEpoch, validator.amount);
    }

    /// @notice Removes a validator at once, also one that is leaving.
    function forceUnstakePOL(uint256 validatorId) external onlyOwner {
        require(isValidator(validatorId), NotActive(validatorId));
        Validator storage validator = _validators[validatorId];
        validator.deactivationEpoch = _round.epoch;
        _stakeInForce -= validator.amount;
        _validatorsInForce -= 1;
        (uint256[] memory others,) = _readSet().without(validator.signer);
        _writeSet(others);
        logger.logUnstakeInit(validator.owner, validatorId, validator.deactivationEpoch, validator.amount);
    }

    /// @notice Pays the stake back, `withdrawalDelay` epochs after the validator left.
    function unstakeClaimPOL(uint256 validatorId) external onlyOwnerOf(validatorId) {
        Validator storage validator = _validators[validatorId];
        require(
            validator.deactivationEpoch != 0 && validator.deactivationEpoch + withdrawalDelay <= _round.epoch,
            ClaimTooEarly(validatorId)
        );
        uint256 amount = validator.amount;
        signerToValidator[validator.signer] = INCORRECT_VALIDATOR_ID;
        totalStaked -= amount;
        validator.amount = 0;
        validator.signer = address(0);
        validator.owner = address(0);
        validator.status = Status.Unstaked;
        delete _validatorOf[msg.sender];
        logger.logUnstaked(msg.sender, validatorId, amount, totalStaked);
        token.safeTransfer(msg.sender, amount);
    }

    // ------------------------------------------------------------------ fees on the side chain's consensus

    /// @notice Pays a fee into the account that `user` has with the validators.
    function topUpForFee(address user, uint256 fee) external {
        _topUp(user, fee);
        token.safeTransferFrom(msg.sender, address(this), fee);
    }

    /// @notice Pays out what the sender's fee account may withdraw in all, less what was paid out before.
    /// @param proof siblings from the leaf (sender, accumFeeAmount) up to the last checkpoint's account root
    function claimFee(uint256 accumFeeAmount, uint256 index, bytes calldata proof) external {
        bytes32 leaf = keccak256(abi.encode(msg.sender, accumFeeAmount));
        require(BlockTree.rootOf(leaf, index, proof) == accountStateRoot, "Wrong acc proof");
        require(accumFeeAmount > userFeeExit[msg.sender], NothingToClaim());
        uint256 fee = accumFeeAmount - userFeeExit[msg.sender];
        userFeeExit[msg.sender] = accumFeeAmount;
        totalHeimdallFee -= fee;
        logger.logClaimFee(msg.sender, fee);
        token.safeTransfer(msg.sender, fee);
    }

    // ------------------------------------------------------------------ parameters

    function updateMinAmounts(uint256 minDeposit_, uint256 minHeimdallFee_) external onlyOwner {
        _setMinAmounts(minDeposit_, minHeimdallFee_);
    }

    function updateSignerUpdateLimit(uint256 epochs) external onlyOwner {
        signerUpdateLimit = epochs;
    }

    function updateValidatorThreshold(uint256 count) external onlyOwner {
        _setValidatorThreshold(count);
    }

    /// @notice Sets the withdrawal delay, in epochs (Polygon's name; it has auctions that depend on it too).
    function updateDynastyValue(uint256 epochs) external onlyOwner {
        withdrawalDelay = epochs;
    }

    // ------------------------------------------------------------------ views

    /// @notice The thirteen words of Polygon; those of rewards, jail, delegation and commission are always 0.
    function validators(uint256 validatorId) external view returns (ValidatorWords memory words) {
        Validator storage validator = _validators[validatorId];
        words.amount = validator.amount;
        words.activationEpoch = validator.activationEpoch;
        words.deactivationEpoch = validator.deactivationEpoch;
        words.signer = validator.signer;
        words.status = validator.status;
    }

    /// @notice The validators in force: signers ascending, and the power of each in whole tokens.
    function validatorSet() external view returns (address[] memory signers, uint256[] memory powers) {
        uint256[] memory set = _readSet();
        signers = new address[](set.length);
        powers = new uint256[](set.length);
        for (uint256 i = 0; i < set.length; ++i) {
            signers[i] = ValidatorSet.signerOf(set[i]);
            powers[i] = ValidatorSet.powerOf(set[i]);
        }
    }

    /// @notice Stake in wei and number of the validators in force, leavers included until their epoch ends.
    function validatorState() external view returns (uint256 amount, uint256 stakerCount) {
        return (_stakeInForce, _validatorsInForce);
    }

    function currentValidatorSetTotalStake() external view returns (uint256) {
        return _stakeInForce;
    }

    function currentValidatorSetSize() external view returns (uint256) {
        return _validatorsInForce;
    }

    /// @notice Whether a validator counts and may sign: also while it is leaving, until its epoch ends.
    function isValidator(uint256 validatorId) public view returns (bool) {
        Validator storage validator = _validators[validatorId];
        return validator.status == Status.Active
            && (validator.deactivationEpoch == 0 || validator.deactivationEpoch > _round.epoch);
    }

    /// @notice The validator that `user` owns.
    function getValidatorId(address user) public view returns (uint256 validatorId) {
        validatorId = _validatorOf[user];
        require(validatorId != 0, NoValidatorOf(user));
    }

    function ownerOf(uint256 validatorId) external view returns (address) {
        return _validators[validatorId].owner;
    }

    function validatorStake(uint256 validatorId) external view returns (uint256) {
        return _validators[validatorId].amount;
    }

    function totalStakedFor(address user) external view returns (uint256) {
        return _validators[_validatorOf[user]].amount;
    }

    /// @notice The signer of a number; numbers are given in the order in which signers come, and never again.
    function signerAt(uint256 number) external view returns (address) {
        return _signers[number];
    }

    /// @notice One more than the number of checkpoints accepted so far, those taken back included.
    function epoch() external view returns (uint256) {
        return _round.epoch;
    }

    /// @notice The same as epoch().
    function currentEpoch() external view returns (uint256) {
        return _round.epoch;
    }

    function WITHDRAWAL_DELAY() external view returns (uint256) {
        return withdrawalDelay;
    }

    // ------------------------------------------------------------------ inside

    function _readSet() private view returns (uint256[] memory) {
        return ValidatorSet.read(_round.validatorSet);
    }

    function _writeSet(uint256[] memory set) private {
        _round.validatorSet = ValidatorSet.write(set);
    }

    function _entry(address signer, uint256 amount, uint256 number) private pure returns (uint256) {
        return ValidatorSet.entry(signer, SafeCast.toUint64(amount / TOKEN), uint32(number));
    }

    /// @dev One that was removed by force after it had announced itself is still in the list, and is passed over.
    function _removeLeavers(uint256[] memory set, uint64 newEpoch) private returns (uint256[] memory) {
        for (uint256 i = 0; i < _leavers.length; ++i) {
            Validator storage validator = _validators[_leavers[i]];
            if (validator.deactivationEpoch != newEpoch) continue;
            (set,) = set.without(validator.signer);
            _stakeInForce -= validator.amount;
            _validatorsInForce -= 1;
        }
        delete _leavers;
        return set;
    }

    function _registerSigner(uint256 validatorId, bytes calldata publicKey) private returns (address signer) {
        signer = Secp256k1.addressOf(publicKey);
        require(signerToValidator[signer] == 0, "Invalid signer");
        signerToValidator[signer] = validatorId;
        require(_signers.length <= type(uint16).max, NoMoreSigners()); // a header names its proposer by 16 bits
        _signers.push(signer);
    }

    function _topUp(address user, uint256 fee) private {
        require(fee >= minHeimdallFee, "fee too small");
        totalHeimdallFee += fee;
        logger.logTopUpFee(user, fee);
    }

    function _setMinAmounts(uint256 minDeposit_, uint256 minHeimdallFee_) private {
        require(minDeposit_ >= TOKEN, ParameterOutOfRange()); // less would be a validator without power
        minDeposit = minDeposit_;
        minHeimdallFee = minHeimdallFee_;
    }

    function _setValidatorThreshold(uint256 count) private {
        require(count != 0 && count <= ValidatorSet.MAX_VALIDATORS, ParameterOutOfRange());
        validatorThreshold = count;
    }
}
