"""A devnet around its chains: settings, keys, ports, homes, control, and what its helpers do."""
