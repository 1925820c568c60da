"""The whole network in one process, from one seed: real nodes on simulated chains, network, disks and clocks."""
