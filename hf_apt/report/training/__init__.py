"""What page and card say of a training beside its steps: objectives, masking law, their terms."""
