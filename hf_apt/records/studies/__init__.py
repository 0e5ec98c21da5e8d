"""Records of studies: one question about a model each, answered in sentences, tables, figures."""
