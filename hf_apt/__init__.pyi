__version__: str

from .analysis.anchors.anchor_config import AnchorConfig as AnchorConfig
from .analysis.anchors.anchor_vectors import AnchorVectors as AnchorVectors
from .analysis.anchors.anchor_vectors import (
    anchor_vectors as anchor_vectors,
)
from .analysis.bound_terms.bound_config import BoundConfig as BoundConfig
from .analysis.bound_terms.bound_terms import BoundTerms as BoundTerms
from .analysis.bound_terms.bound_terms import (
    bound_terms as bound_terms,
)
from .analysis.cls_tokens.cls_config import ClsConfig as ClsConfig
from .analysis.cls_tokens.cls_tokens import ClsTokens as ClsTokens
from .analysis.cls_tokens.cls_tokens import (
    cls_tokens as cls_tokens,
)
from .analysis.experts.experts_config import (
    ExpertsConfig as ExpertsConfig,
)
from .analysis.experts.experts_config import (
    ReadOutConfig as ReadOutConfig,
)
from .analysis.experts.experts_study import measure_experts as measure_experts
from .analysis.images.images_config import ImagesConfig as ImagesConfig
from .analysis.images.measure_images import (
    measure_images as measure_images,
)
from .analysis.kernels.empirical_kernels import KernelTexts as KernelTexts
from .analysis.kernels.empirical_kernels import (
    empirical_kernels as empirical_kernels,
)
from .analysis.kernels.empirical_kernels import (
    stream_kernels as stream_kernels,
)
from .analysis.kernels.kernel_config import KernelConfig as KernelConfig
from .analysis.kernels.kernel_study import (
    measure_kernels as measure_kernels,
)
from .analysis.kernels.linearisation import (
    feature_drift as feature_drift,
)
from .analysis.kernels.linearisation import (
    linearised_outputs as linearised_outputs,
)
from .analysis.kernels.logits_function import LogitsFunction as LogitsFunction
from .analysis.kernels.logits_function import (
    classifier_logits as classifier_logits,
)
from .analysis.kernels.logits_function import (
    prompted_logits as prompted_logits,
)
from .analysis.kernels.prompt import Prompt as Prompt
from .analysis.pairs.pair_config import PairConfig as PairConfig
from .analysis.pairs.pair_readings import PairReadings as PairReadings
from .analysis.pairs.pair_readings import read_pairs as read_pairs
from .callbacks import AnchorCallback as AnchorCallback
from .callbacks import AptCallback as AptCallback
from .callbacks import AptEarlyStopping as AptEarlyStopping
from .callbacks import AptLiveView as AptLiveView
from .callbacks import AptPlotCallback as AptPlotCallback
from .callbacks import ConfusionCallback as ConfusionCallback
from .callbacks import FeatureDriftCallback as FeatureDriftCallback
from .callbacks import LossCheckCallback as LossCheckCallback
from .callbacks import WithAptCard as WithAptCard
from .callbacks import (
    add_apt_section as add_apt_section,
)
from .data.graphs.link_table import LinkedTexts as LinkedTexts
from .data.graphs.link_table import linked_texts as linked_texts
from .data.graphs.linked_contexts import linked_contexts as linked_contexts
from .data.images.image_source import ImageSource as ImageSource
from .data.masking import (
    Masking as Masking,
)
from .data.masking import (
    mask as mask,
)
from .data.measure_config import MeasureConfig as MeasureConfig
from .data.tasks.task import (
    open_task as open_task,
)
from .data.tasks.task_config import TaskConfig as TaskConfig
from .data.tokens import (
    Tokens as Tokens,
)
from .data.tokens import (
    write_tokens as write_tokens,
)
from .depths.bench.word_bench import (
    bench as bench,
)
from .depths.checks.self_test import (
    check as check,
)
from .depths.head_config import HeadConfig as HeadConfig
from .depths.heads import (
    DepthHeads as DepthHeads,
)
from .depths.lenses.carried_head import CarriedHead as CarriedHead
from .depths.lenses.depth_maps import DepthMaps as DepthMaps
from .depths.lenses.jacobian import (
    fit_jacobian as fit_jacobian,
)
from .depths.lenses.jacobian_config import JacobianConfig as JacobianConfig
from .depths.likelihood.pseudo_likelihood import (
    log_likelihood as log_likelihood,
)
from .depths.likelihood.pseudo_likelihood import (
    pseudo_log_likelihood as pseudo_log_likelihood,
)
from .depths.measurement import (
    measure as measure,
)
from .depths.own_head import (
    OwnHead as OwnHead,
)
from .depths.similarity.state_similarity import (
    state_similarity as state_similarity,
)
from .depths.trunk import (
    Trunk as Trunk,
)
from .hub.resources import (
    resource as resource,
)
from .models.bert6 import (
    Bert6ClsConfig as Bert6ClsConfig,
)
from .models.bert6 import (
    Bert6ClsForMaskedLM as Bert6ClsForMaskedLM,
)
from .models.bert6 import (
    Bert6Config as Bert6Config,
)
from .models.bert6 import (
    Bert6ForMaskedLM as Bert6ForMaskedLM,
)
from .models.bert6 import (
    BertConvConfig as BertConvConfig,
)
from .models.bert6 import (
    BertConvForMaskedLM as BertConvForMaskedLM,
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
from .models.encoders import (
    load_encoder as load_encoder,
)
from .records.checkpoints import (
    pinned as pinned,
)
from .records.references.reference import (
    reference as reference,
)
from .records.run import (
    Run as Run,
)
from .records.shipped import (
    checkpoint as checkpoint,
)
from .report.apt_frame import (
    apt_frame as apt_frame,
)
from .runs.acquisition import (
    acquisition as acquisition,
)
from .runs.checkpoints.measure_checkpoint import (
    measure_checkpoint as measure_checkpoint,
)
from .runs.checkpoints.on_text import TextOptions as TextOptions
from .runs.checkpoints.series import (
    measure_checkpoints as measure_checkpoints,
)
from .runs.diff import (
    diff as diff,
)
from .runs.masking_rates import (
    masking_rates as masking_rates,
)
from .runs.pipeline import (
    run_all as run_all,
)
from .runs.recipes import (
    RunConfig as RunConfig,
)
from .runs.recipes import (
    demo_recipe as demo_recipe,
)
from .runs.recipes import (
    narrow_recipe as narrow_recipe,
)
from .runs.recipes import (
    paper_recipe as paper_recipe,
)
from .runs.sentence_lens import (
    lens as lens,
)
from .spans.span_format import SpanFormat as SpanFormat
from .spans.span_model import SpanModel as SpanModel
from .spans.span_tagger import SpanTagger as SpanTagger
from .stats.anchors.anchor_fit import AnchorFit as AnchorFit
from .stats.anchors.bulk import AnchorBulk as AnchorBulk
from .stats.anchors.word_vectors import (
    anchor_fit as anchor_fit,
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
from .stats.classes.label_noise import (
    label_margins as label_margins,
)
from .stats.classes.logit_adjustment import (
    logit_adjusted as logit_adjusted,
)
from .stats.classes.macro_f1 import (
    macro_f1 as macro_f1,
)
from .stats.classes.prototypes import (
    nearest_prototype as nearest_prototype,
)
from .stats.classes.thresholds import (
    thresholded as thresholded,
)
from .stats.classes.thresholds import (
    tuned_thresholds as tuned_thresholds,
)
from .stats.clusters import (
    TokenClusters as TokenClusters,
)
from .stats.clusters import (
    token_clusters as token_clusters,
)
from .stats.confusion import (
    confusion as confusion,
)
from .stats.counts import (
    DepthCounts as DepthCounts,
)
from .stats.counts import (
    PairCounts as PairCounts,
)
from .stats.dynamics.training_dynamics import DynamicsRecord as DynamicsRecord
from .stats.estimates import (
    Estimate as Estimate,
)
from .stats.graphs.builders import label_graph as label_graph
from .stats.graphs.builders import text_graph as text_graph
from .stats.graphs.graph import Graph as Graph
from .stats.graphs.graph import graph_of_links as graph_of_links
from .stats.graphs.rewiring import rewired as rewired
from .stats.graphs.votes import graph_votes as graph_votes
from .stats.graphs.votes import local_consistency as local_consistency
from .stats.kernels.alignment import (
    label_alignment as label_alignment,
)
from .stats.kernels.condition_number import (
    condition_number as condition_number,
)
from .stats.kernels.criteria import (
    kernel_criteria as kernel_criteria,
)
from .stats.kernels.logistic import (
    kernel_logistic as kernel_logistic,
)
from .stats.kernels.ridge import (
    kernel_prediction as kernel_prediction,
)
from .stats.kernels.ridge import (
    kernel_ridge as kernel_ridge,
)
from .stats.pairs.joints import PairLogits as PairLogits
from .stats.pairs.joints import (
    pair_joint as pair_joint,
)
from .stats.pairs.pair_gap import (
    pair_gap as pair_gap,
)
from .stats.rademacher.complexity import RademacherComplexity as RademacherComplexity
from .stats.rademacher.complexity import (
    rademacher_complexity as rademacher_complexity,
)
from .stats.rarefaction import (
    rarefied_mean_apt as rarefied_mean_apt,
)
from .stats.similarity.cka import (
    linear_cka as linear_cka,
)
from .stats.similarity.cka_error import (
    linear_cka_estimate as linear_cka_estimate,
)
from .studies.block_accuracy import (
    measure_blocks as measure_blocks,
)
from .studies.block_accuracy_config import BlockAccuracyConfig as BlockAccuracyConfig
from .studies.label_noise import (
    wrong_labels_by_depth as wrong_labels_by_depth,
)
from .studies.local_smoothness import LocalSmoothnessConfig as LocalSmoothnessConfig
from .studies.local_smoothness import (
    local_smoothness as local_smoothness,
)
from .studies.minimal_pairs import (
    minimal_pairs as minimal_pairs,
)
from .training.finetune_config import FinetuneConfig as FinetuneConfig
from .training.finetuning import (
    finetune as finetune,
)
from .training.head_training import (
    train_heads as train_heads,
)
from .training.losses.class_balanced import ClassBalanced as ClassBalanced
from .training.losses.example_weights import WithExampleWeights as WithExampleWeights
from .training.losses.focal import Focal as Focal
from .training.losses.logit_adjusted import LogitAdjusted as LogitAdjusted
from .training.losses.loss_func import (
    class_loss_func as class_loss_func,
)
from .training.masked_lm_loss import (
    masked_lm_loss as masked_lm_loss,
)
from .training.masked_lm_trainer import WithMaskedLMLoss as WithMaskedLMLoss
from .training.methods.dynamics_file import (
    read_dynamics as read_dynamics,
)
from .training.methods.grouped_gradients import GroupedGradients as GroupedGradients
from .training.methods.training_dynamics import TrainingDynamics as TrainingDynamics
from .training.methods.weight_average import WeightAverage as WeightAverage
from .training.objective_trainer import WithObjectives as WithObjectives
from .training.objectives.balanced_contrast import BalancedContrast as BalancedContrast
from .training.objectives.graph_pairs import GraphPairs as GraphPairs
from .training.objectives.masked_pairs import MaskedPairs as MaskedPairs
from .training.objectives.proximal import Proximal as Proximal
from .training.objectives.r_drop import RDrop as RDrop
from .training.objectives.rademacher import Rademacher as Rademacher
from .training.objectives.sharpness_aware import SharpnessAware as SharpnessAware
from .training.objectives.smoothness import Smoothness as Smoothness
from .training.objectives.token_contrast import TokenContrast as TokenContrast
from .training.pairs.head_file import WordPairHead as WordPairHead
from .training.pairs.head_file import read_pair_head as read_pair_head
from .training.pretrain_config import PretrainConfig as PretrainConfig
from .training.sampling.balanced_batches import BalancedBatches as BalancedBatches
from .training.translator_training import (
    train_translator as train_translator,
)
