"""How a training's examples were answered from epoch to epoch."""
