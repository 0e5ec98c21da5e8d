"""Attacks on whole runs: they take minutes to hours, and no test runs them."""
