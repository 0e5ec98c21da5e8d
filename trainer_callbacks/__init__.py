"""Callbacks for any Trainer: accuracy per token and confusion of the model in training, by depth.

A second package of the same wheel, for users of a Trainer who need no command line:
`from trainer_callbacks import AptCallback`.
"""

from trainer_callbacks.analysis.anchors import AnchorCallback
from trainer_callbacks.apt import AptCallback
from trainer_callbacks.card import WithAptCard, add_apt_section
from trainer_callbacks.confusion import ConfusionCallback
from trainer_callbacks.early_stopping import AptEarlyStopping
from trainer_callbacks.feature_drift import FeatureDriftCallback
from trainer_callbacks.live import AptLiveView
from trainer_callbacks.loss_check import LossCheckCallback
from trainer_callbacks.plot import AptPlotCallback

__all__ = [
    "AnchorCallback",
    "AptCallback",
    "AptEarlyStopping",
    "AptLiveView",
    "AptPlotCallback",
    "ConfusionCallback",
    "FeatureDriftCallback",
    "LossCheckCallback",
    "WithAptCard",
    "add_apt_section",
]
