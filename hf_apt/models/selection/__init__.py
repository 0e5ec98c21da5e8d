"""A generator and the discriminator that it writes for, as one model type of transformers.

The classes are imported when they are first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
