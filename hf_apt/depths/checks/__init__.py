"""A self-test of a language model: what would make its accuracy by depth another model's."""
