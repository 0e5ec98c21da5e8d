"""Groups of units of a network, by how alike they are active."""
