// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BurnOnlyPredicate} from "./BurnOnlyPredicate.sol";
import {DepositManager} from "./DepositManager.sol";
import {WithdrawLog} from "./WithdrawLog.sol";
import {WithdrawManager} from "./WithdrawManager.sol";

/// @title Exits of burnt ERC-721 tokens.
contract ERC721PredicateBurnOnly is BurnOnlyPredicate {
    constructor(WithdrawManager withdrawManager_, DepositManager depositManager_)
        BurnOnlyPredicate(withdrawManager_, depositManager_, WithdrawLog.ERC721_SIG, 32)
    {}
}
