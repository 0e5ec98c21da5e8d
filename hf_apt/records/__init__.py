"""What a run leaves on disk: its folder, fingerprints, environment, shipped checkpoints."""
