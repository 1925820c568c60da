// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BurnOnlyPredicate} from "./BurnOnlyPredicate.sol";
import {DepositManager} from "./DepositManager.sol";
import {WithdrawLog} from "./WithdrawLog.sol";
import {WithdrawManager} from "./WithdrawManager.sol";

/// @title Exits of burnt ERC-20 tokens, of ether, and of the side chain's native token.
contract ERC20PredicateBurnOnly is BurnOnlyPredicate {
    constructor(WithdrawManager withdrawManager_, DepositManager depositManager_)
        BurnOnlyPredicate(withdrawManager_, depositManager_, WithdrawLog.ERC20_SIG, 96)
    {}
}
