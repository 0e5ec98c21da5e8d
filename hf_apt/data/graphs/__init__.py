"""Texts that are linked: tables of links, and linked texts put in one context."""
