"""How far normalisations part [CLS] from the tokens, block by block."""
