"""FLOPs and bytes of training."""
