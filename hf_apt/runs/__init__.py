"""Whole configurations, the chain that fills a run's folder, and what it would cost."""
