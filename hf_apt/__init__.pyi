from .data.masking import (
    MaskedBatch as MaskedBatch,
)
from .data.masking import (
    Masking as Masking,
)
from .data.masking import (
    mask as mask,
)
from .data.measurement_batches import (
    MeasureConfig as MeasureConfig,
)
from .data.planted import (
    PlantedLanguage as PlantedLanguage,
)
from .data.planted import (
    planted_language as planted_language,
)
from .data.tokens import (
    Tokens as Tokens,
)
from .data.tokens import (
    write_tokens as write_tokens,
)
from .depths.depth_losses import (
    DepthLosses as DepthLosses,
)
from .depths.depth_losses import (
    depth_cross_entropy as depth_cross_entropy,
)
from .depths.heads import (
    DepthHeads as DepthHeads,
)
from .depths.heads import (
    HeadConfig as HeadConfig,
)
from .depths.own_head import (
    OwnHead as OwnHead,
)
from .depths.sweep import (
    VocabularySweep as VocabularySweep,
)
from .depths.sweep import (
    vocabulary_sweep as vocabulary_sweep,
)
from .depths.trunk import (
    Trunk as Trunk,
)
from .models.bert6 import (
    Bert6Config as Bert6Config,
)
from .models.bert6 import (
    Bert6ForMaskedLM as Bert6ForMaskedLM,
)
from .models.bert6 import (
    Bert6ForSequenceClassification as Bert6ForSequenceClassification,
)
from .models.bert6 import (
    Bert6ForTokenClassification as Bert6ForTokenClassification,
)
from .models.bert6 import (
    Bert6Model as Bert6Model,
)
from .models.bert6 import (
    BertConvConfig as BertConvConfig,
)
from .models.bert6 import (
    BertConvForMaskedLM as BertConvForMaskedLM,
)
from .models.bert6 import (
    BertConvForSequenceClassification as BertConvForSequenceClassification,
)
from .models.bert6 import (
    BertConvForTokenClassification as BertConvForTokenClassification,
)
from .models.bert6 import (
    BertConvModel as BertConvModel,
)
from .models.committee import (
    AdapterCommittee as AdapterCommittee,
)
from .models.committee import (
    SoftCommittee as SoftCommittee,
)
from .models.committee import (
    SoftCommitteeConfig as SoftCommitteeConfig,
)
from .models.committee import (
    combined as combined,
)
from .models.shapes import (
    SHAPES as SHAPES,
)
from .models.shapes import (
    ConvShape as ConvShape,
)
from .models.shapes import (
    ModelShape as ModelShape,
)
from .records.run import (
    Run as Run,
)
from .runs.pipeline import (
    run_all as run_all,
)
from .runs.recipes import (
    RunConfig as RunConfig,
)
from .runs.recipes import (
    demo as demo,
)
from .runs.recipes import (
    narrow as narrow,
)
from .runs.recipes import (
    paper as paper,
)
from .stats.apt import (
    apt50 as apt50,
)
from .stats.apt import (
    masked_accuracy as masked_accuracy,
)
from .stats.apt import (
    mean_apt as mean_apt,
)
from .stats.clusters import (
    TokenClusters as TokenClusters,
)
from .stats.clusters import (
    token_clusters as token_clusters,
)
from .stats.counts import (
    DepthCounts as DepthCounts,
)
from .stats.counts import (
    PairCounts as PairCounts,
)
from .stats.estimates import (
    Estimate as Estimate,
)
from .studies.committee_curve import (
    committee_curve as committee_curve,
)
from .training.head_training import (
    train_heads as train_heads,
)
from .training.pretraining import (
    PretrainConfig as PretrainConfig,
)
