"""Graphs whose nodes are texts: how they are made, what neighbours say, how they are found."""
