"""Objectives on hidden states: states with gradients, and texts of an objective's own."""
