"""What must always hold in a simulation, one rule a file; none of it is asked of the code that is tested."""
