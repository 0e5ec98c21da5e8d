"""Lenses: what a state at any depth is carried to before the model's own head reads it."""
