"""Which tokens or classes a single head or unit knows."""
