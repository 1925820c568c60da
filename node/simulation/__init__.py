"""The simulator: a whole network in one process on virtual time, drawn from one seed."""
