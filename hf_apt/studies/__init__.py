"""One question about a trained model each: model and data in, a record out."""
