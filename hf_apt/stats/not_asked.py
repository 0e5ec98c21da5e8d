"""Which label asks for none."""

NOT_ASKED = -100
"""The label of a position, text or span that is not asked for, as everywhere in transformers.
`hf_apt.stats.counts` has it, too; this module loads nothing, not even NumPy."""
