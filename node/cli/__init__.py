"""The `sidewarden` command: one module per subcommand; what only a running command needs is imported when it runs."""
