"""What the page says before anything else: a question, its answer, the chart that shows it."""
