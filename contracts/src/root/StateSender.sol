// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

/// @title Messages to contracts of the side chain, numbered from 1 without gaps.
contract StateSender is Ownable {
    uint256 public counter;
    /// @notice Who may send to a receiver on the side chain.
    mapping(address receiver => address sender) public registrations;

    event NewRegistration(address indexed user, address indexed sender, address indexed receiver);
    event RegistrationUpdated(address indexed user, address indexed sender, address indexed receiver);
    event StateSynced(uint256 indexed id, address indexed contractAddress, bytes data);

    error NotAllowedToRegister(address user, address receiver);

    constructor() Ownable(msg.sender) {}

    /// @notice Lets `sender` send to `receiver`. The owner may do so, and the sender that is registered already.
    function register(address sender, address receiver) external {
        address previous = registrations[receiver];
        require(msg.sender == owner() || msg.sender == previous, NotAllowedToRegister(msg.sender, receiver));
        registrations[receiver] = sender;
        if (previous == address(0)) emit NewRegistration(msg.sender, sender, receiver);
        else emit RegistrationUpdated(msg.sender, sender, receiver);
    }

    /// @notice Sends data to a contract of the side chain, as its registered sender.
    function syncState(address receiver, bytes calldata data) external {
        require(registrations[receiver] == msg.sender, "Invalid sender");
        emit StateSynced(++counter, receiver, data);
    }
}
