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
        _onPaid();
    }

    function onERC721Received(address, address, uint256, bytes calldata) external returns (bytes4) {
        _onPaid();
        return this.onERC721Received.selector;
    }

    function onERC1155Received(address, address, uint256, uint256, bytes calldata) external returns (bytes4) {
        _onPaid();
        return this.onERC1155Received.selector;
    }

    function onERC1155BatchReceived(address, address, uint256[] calldata, uint256[] calldata, bytes calldata)
        external
        returns (bytes4)
    {
        _onPaid();
        return this.onERC1155BatchReceived.selector;
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

    /// @notice What to call whenever coin or a token comes.
    function callWhenPaid(address target, bytes calldata callback) external {
        (_target, _callback) = (target, callback);
    }

    function _onPaid() private {
        require(!refusesCoin, Refused());
        if (_target == address(0)) return;
        (bool done,) = _target.call(_callback);
        if (done) ++callbacks;
    }
}
