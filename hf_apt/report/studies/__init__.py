"""Records of studies as page, terminal and card show them."""
