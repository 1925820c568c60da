"""A node's configuration: the schema of config.toml, its file, presets of networks, and the page made from it."""
