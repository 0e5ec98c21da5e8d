"""One question about a trained model per module: model and data in, a record out."""
