"""Benchmarks: ratios of variants that run interleaved in one process."""
