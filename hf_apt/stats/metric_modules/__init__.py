"""What the modules for `evaluate` in `metrics/` are built on."""
