"""Callbacks for transformers' Trainer that measure accuracy per token while a model trains."""
