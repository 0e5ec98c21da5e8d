"""Pages of results that are no run: two runs side by side, runs compared, a training's steps."""
