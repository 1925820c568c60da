"""SQLite files: state.db (replicated), local.db (our own view of the chains), and the tools that signing.db uses."""
