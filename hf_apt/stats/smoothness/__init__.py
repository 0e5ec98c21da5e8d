"""Figures of how far answers move when inputs are moved a little."""
