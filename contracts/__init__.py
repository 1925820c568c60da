"""The contracts: Solidity sources, compiled artifacts, their loader, and the plan of their deployment."""
