from .configuration_bert6 import (
    Bert6Config as Bert6Config,
)
from .configuration_bert6_cls import (
    Bert6ClsConfig as Bert6ClsConfig,
)
from .configuration_bert_conv import (
    BertConvConfig as BertConvConfig,
)
from .modeling_bert6 import (
    Bert6ForMaskedLM as Bert6ForMaskedLM,
)
from .modeling_bert6 import (
    Bert6ForSequenceClassification as Bert6ForSequenceClassification,
)
from .modeling_bert6 import (
    Bert6ForTokenClassification as Bert6ForTokenClassification,
)
from .modeling_bert6 import (
    Bert6Model as Bert6Model,
)
from .modeling_bert6_cls import (
    Bert6ClsForMaskedLM as Bert6ClsForMaskedLM,
)
from .modeling_bert6_cls import (
    Bert6ClsForSequenceClassification as Bert6ClsForSequenceClassification,
)
from .modeling_bert6_cls import (
    Bert6ClsForTokenClassification as Bert6ClsForTokenClassification,
)
from .modeling_bert6_cls import (
    Bert6ClsModel as Bert6ClsModel,
)
from .modeling_bert_conv import (
    BertConvForMaskedLM as BertConvForMaskedLM,
)
from .modeling_bert_conv import (
    BertConvForSequenceClassification as BertConvForSequenceClassification,
)
from .modeling_bert_conv import (
    BertConvForTokenClassification as BertConvForTokenClassification,
)
from .modeling_bert_conv import (
    BertConvModel as BertConvModel,
)
