"""What measuring a checkpoint would take, and the costs of a phase of any run."""
