"""Labelled texts, divided once into training and test texts."""
