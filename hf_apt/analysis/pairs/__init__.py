"""How far masked words of one text depend on each other, as a language model has it."""
