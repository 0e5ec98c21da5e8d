"""What the modules for `evaluate` in `metrics/` stand on."""
