"""What a pre-training starts from: fresh weights, blocks of a checkpoint, or all of one."""
