"""Callbacks that ask a study's question of the model in training, at each evaluation."""
