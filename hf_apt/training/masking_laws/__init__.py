"""Which tokens pre-training asks for more often than others, one law a file."""
