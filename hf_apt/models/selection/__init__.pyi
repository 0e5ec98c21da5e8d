from .configuration_selection import (
    SelectionConfig as SelectionConfig,
)
from .modeling_selection import (
    SelectionForPreTraining as SelectionForPreTraining,
)
from .modeling_selection import (
    SelectionOutput as SelectionOutput,
)
