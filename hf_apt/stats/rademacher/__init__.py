"""The Rademacher complexity of linear functions of features, and what it is made of."""
