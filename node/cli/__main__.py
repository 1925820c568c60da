"""`python -m node.cli`: the `sidewarden` command where it is not installed, or by the Python that runs already."""

from node.cli.main import main

main(prog_name="sidewarden")
