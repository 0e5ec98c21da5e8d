"""The callbacks of `trainer_callbacks`, under the name of the package: `hf_apt.AptCallback`."""

from trainer_callbacks import AnchorCallback as AnchorCallback
from trainer_callbacks import AptCallback as AptCallback
from trainer_callbacks import AptEarlyStopping as AptEarlyStopping
from trainer_callbacks import AptLiveView as AptLiveView
from trainer_callbacks import AptPlotCallback as AptPlotCallback
from trainer_callbacks import ConfusionCallback as ConfusionCallback
from trainer_callbacks import FeatureDriftCallback as FeatureDriftCallback
from trainer_callbacks import LossCheckCallback as LossCheckCallback
from trainer_callbacks import WithAptCard as WithAptCard
from trainer_callbacks import add_apt_section as add_apt_section
