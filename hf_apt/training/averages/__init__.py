"""Averages of weights over the steps of a training, and what they are good for."""
