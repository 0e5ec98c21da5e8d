"""What training in the worst case is made of: perturbations, and passes that are perturbed."""
