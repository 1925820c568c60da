// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title For tests: a contract that holds tokens and coin, and does whatever it is told, also when it is paid.
contract Puppet {
    bool public refusesCoin;
    /// @notice How many of the calls that it made on being paid went through.
    uint256 public callbacks;
    address private _target;
    bytes private _callback;

    error Refused();
    error CallFailed(uint256 index);

    receive() external payable {
        require(!refusesCoin, Refused());
        if (_target == address(0)) return;
        (bool done,) = _target.call(_callback);
        if (done) ++callbacks;
    }

    /// @notice Several calls in one transaction.
    function run(address[] calldata targets, uint256[] calldata values, bytes[] calldata data) external payable {
        for (uint256 i = 0; i < targets.length; ++i) {
            (bool done,) = targets[i].call{value: values[i]}(data[i]);
            require(done, CallFailed(i));
        }
    }

    function refuseCoin(bool refuses) external {
        refusesCoin = refuses;
    }

    /// @notice What to call whenever coin comes.
    function callWhenPaid(address target, bytes calldata callback) external {
        (_target, _callback) = (target, callback);
    }
}
