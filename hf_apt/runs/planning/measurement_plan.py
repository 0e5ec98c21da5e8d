"""`hf-apt measure --dry-run`: what a measurement would take here, from a look at its text.

Source: ours.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hf_apt.data.artificial.generated_corpus import GeneratedCorpus
from hf_apt.data.tokenizer import load_tokenizer, vocabulary
from hf_apt.records.run import Run
from hf_apt.records.run_folder import require_run_folder
from hf_apt.runs.dry_run import SAMPLE, HeldOut, Plan, plan_of
from hf_apt.runs.measured_checkpoint import is_causal_checkpoint
from hf_apt.runs.option_checks import require_checkpoint, require_valid
from hf_apt.runs.planning.checkpoint_costs import checkpoint_costs
from hf_apt.runs.planning.text_size import text_size
from hf_apt.runs.recipes import RunConfig
from hf_apt.runs.same_checkpoint import require_same_checkpoint, require_trained_checkpoint
from hf_apt.runs.same_run import require_same_run


def measurement_plan(checkpoint: str, config: RunConfig, folder: Path) -> Plan:
    """What measuring `checkpoint` under `config` into `folder`, which need not exist, would take.

    The first 1,000 documents of the text are read and tokenised, and the rest is reckoned from
    them; two seconds are spent on trying this machine's speed, where something is left to do.
    Raises ValueError where the measurement would before it loads weights, and for a model whose
    costs cannot be foretold.
    """
    require_checkpoint(checkpoint)
    require_valid(config)
    run = Run(folder)
    require_run_folder(run)
    require_same_run(config, run)
    require_trained_checkpoint(run, checkpoint)
    require_same_checkpoint(run, checkpoint)
    is_causal = is_causal_checkpoint(checkpoint)
    made = config.corpus if isinstance(config.corpus, GeneratedCorpus) else None
    tokenizer = (
        load_tokenizer(str(config.tokenizer), needs_mask=not is_causal)
        if made is None
        else made.tokenizer()
    )
    model = checkpoint_costs(
        checkpoint,
        vocab_size=len(vocabulary(tokenizer)),
        sequence_length=config.sequence_length,
    )
    source: Any = config.corpus
    size = text_size(config, source, run, tokenizer)
    is_known = size.certainty != "unknown"
    num_sequences = round(size.num_sequences) if is_known else SAMPLE
    settings = config.measure
    num_measured = min(settings.num_sequences or num_sequences, num_sequences)
    asked = size.num_positions - size.num_first if is_causal else size.num_positions
    share = 1.0 if is_causal else settings.masking_rate
    num_asked = (
        asked / max(size.num_sequences, 1) * num_measured * settings.num_realisations * share
    )
    return plan_of(
        config,
        run,
        model,
        HeldOut(num_sequences, size.certainty),
        asked_share=share,
        num_asked=round(num_asked),
    )
