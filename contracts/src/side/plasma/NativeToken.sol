// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {PlasmaToken} from "./PlasmaToken.sol";

/// @title The side chain's native coin as a token of the plasma bridge, in the role of Bor's contract at 0x…1010.
/// @notice It holds the coin that is not in use. A network must put that here, by genesis or by a transfer; what it gave
/// to others at genesis can be taken out only as far as others have deposited.
contract NativeToken is PlasmaToken {
    /// @dev A receiver that wants more than this may fetch its coin by `claim`.
    uint256 private constant RECEIVER_GAS = 50_000;

    string public constant name = "Sidewarden Native";
    string public constant symbol = "NATIVE";
    uint8 public constant decimals = 18;

    /// @notice Deposits that could not be paid out when they came.
    mapping(address user => uint256) public owed;

    event Deposit(address indexed token, address indexed from, uint256 amount, uint256 input1, uint256 output1);
    /// @notice What ERC20PredicateBurnOnly takes a proof of; the last two are the balance before and after.
    event Withdraw(address indexed token, address indexed from, uint256 amount, uint256 input1, uint256 output1);

    constructor(address rootToken, address childChain_) PlasmaToken(rootToken, childChain_) {}

    /// @notice Takes coin for later deposits; it is nobody's then.
    receive() external payable {}

    /// @dev Does not fail if the user refuses the coin, or too little is here: it is owed then.
    function deposit(address user, uint256 amount) external onlyChildChain {
        uint256 input = user.balance;
        (bool paid,) = user.call{value: amount, gas: RECEIVER_GAS}("");
        if (!paid) owed[user] += amount;
        emit Deposit(token, user, amount, input, user.balance);
    }

    /// @notice Pays what is owed to the sender, to whomever the sender names.
    function claim(address payable receiver) external {
        uint256 amount = owed[msg.sender];
        owed[msg.sender] = 0;
        Address.sendValue(receiver, amount);
    }

    /// @notice Takes coin out of use. It is paid as the root chain's token to the same address there.
    function withdraw(uint256 amount) external payable {
        require(amount != 0 && msg.value == amount, "Insufficient amount");
        emit Withdraw(token, msg.sender, amount, msg.sender.balance + amount, msg.sender.balance);
    }

    function balanceOf(address user) external view returns (uint256) {
        return user.balance;
    }
}
