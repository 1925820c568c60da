"""Benchmarks: one table of ratios, each against a baseline measured in the same run. They judge nothing."""
