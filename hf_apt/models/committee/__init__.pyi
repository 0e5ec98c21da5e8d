from .adapter_committee import (
    AdapterCommittee as AdapterCommittee,
)
from .combination import (
    combined as combined,
)
from .combination_names import COMBINATIONS as COMBINATIONS
from .combination_names import Combination as Combination
from .configuration_committee import (
    SoftCommitteeConfig as SoftCommitteeConfig,
)
from .modeling_committee import (
    SoftCommittee as SoftCommittee,
)
