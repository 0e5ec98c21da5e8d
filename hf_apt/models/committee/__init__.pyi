from .adapter_committee import (
    AdapterCommittee as AdapterCommittee,
)
from .combination import (
    COMBINATIONS as COMBINATIONS,
)
from .combination import (
    Combination as Combination,
)
from .combination import (
    combined as combined,
)
from .configuration_committee import (
    SoftCommitteeConfig as SoftCommitteeConfig,
)
from .modeling_committee import (
    SoftCommittee as SoftCommittee,
)
