"""Soft committees: several classifiers that answer together, a model type of transformers.

The classes are imported when they are first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
