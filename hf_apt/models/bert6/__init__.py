"""BERT-6, BERT-6 with weights for [CLS], and BERT after a convolutional front-end, as model types.

Their classes are imported when they are first used. Their code is in one folder because the others
build on the first, and a file that travels with a checkpoint can import only its neighbours.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
