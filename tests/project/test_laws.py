"""The laws of the house: which room may import which, and what a module may not do.

A new file needs no entry here; a new room is a row of `MAY_IMPORT`. Imports at the top of a module,
inside functions and under `TYPE_CHECKING` count alike. A broken law names the import and the law.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "hf_apt"
TESTS = ROOT / "tests"

MAY_IMPORT: dict[str, set[str]] = {
    "stats": set(),
    "arithmetic": set(),
    "records": {"stats"},
    "data": {"stats", "arithmetic", "records"},
    "models": {"stats", "data", "records"},
    "depths": {"stats", "arithmetic", "records", "data", "models"},
    "training": {"stats", "arithmetic", "data", "models", "depths"},
    "studies": {"stats", "records", "data", "models", "depths", "training"},
    "spans": {"stats", "records", "data", "models", "depths", "training"},
    "analysis": {"stats", "records", "data", "models", "depths", "training", "studies"},
    "report": {"stats", "records"},
    "runs": {
        *("stats", "arithmetic", "records", "data", "models", "depths", "training", "studies"),
        "report",
    },
    "hub": {"stats", "records", "report"},
    "cli": {
        *("stats", "arithmetic", "records", "data", "models", "depths", "training", "studies"),
        *("spans", "analysis", "report", "runs", "hub"),
    },
    "__main__": {"cli"},
    "callbacks": set(),
}
"""Beside itself and `BASE`, which every room may import."""

BASE = {"atomic", "file_digests", "ownership", "reading"}
"""Modules that belong to no room."""

OUTSIDE: dict[str, set[str]] = {
    "trainer_callbacks": {
        *("stats", "data", "models", "depths", "training.objectives", "records.references"),
        *("analysis", "training.adversary.whole_weights"),
    },
    "metrics": {"stats"},
}
"""Which rooms the packages that stand on hf_apt may import."""

HEAVY = {"torch", "transformers", "datasets", "accelerate", "tokenizers", "safetensors"}

OBJECTIVE_PARTS = (
    *("training.adversary", "training.averages", "training.contrast"),
    *("training.pairs", "training.representation", "training.selection", "stats"),
)
"""What objectives are made of, beside `hf_apt.training.objective`."""

STUDIES_ON_STUDIES = {
    "block_accuracy": {"seed_accuracy", "block_protocols", "block_accuracy_config", "data_maps"},
    "seed_accuracy": {"block_protocols", "block_accuracy_config", "confidence"},
    "block_protocols": {"block_accuracy_config"},
    "block_accuracy_config": {"confidence_config"},
    "confidence": {"substitution_models", "confidence_config", "confidence_counts"},
    "cotraining": {"cotraining_config"},
    "committee": {"committee_members", "answer_cost", "committee_curve", "committee_config"},
}
"""Chains of one question in several files. A study of another question imports none of these."""

MAX_LINES = 270
"""Without docstrings, of which public functions need long ones."""

MAX_WHOLE_LINES = 300
"""With docstrings and all else."""

MAX_FILES = 25


@dataclass(frozen=True)
class Import:
    """One module imported by another."""

    source: str
    """The module with the import, `hf_apt.stats.apt`."""

    target: str
    """What is imported, as far as it can be a module."""

    line: int
    """Where."""

    def __str__(self) -> str:
        return f"{self.source}:{self.line} imports {self.target}"


def files(folder: Path) -> list[Path]:
    """The Python files of ours below a folder; code that travels with a checkpoint is not ours."""
    return [path for path in sorted(folder.rglob("*.py")) if "checkpoints_data" not in path.parts]


def module_name(path: Path) -> str:
    """A file's dotted name; a package is called by its folder."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in files(PACKAGE)}


def imports_of(path: Path) -> Iterator[Import]:
    """Everything a file imports, anywhere in it."""
    name = module_name(path)
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(name, alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                # `from hf_apt.report import svg` names a module, `... import write_report` none.
                full = f"{module}.{alias.name}"
                yield Import(name, full if full in MODULES else module, node.lineno)


IMPORTS = [found for path in MODULES.values() for found in imports_of(path)]
BETWEEN = [found for found in IMPORTS if found.target.split(".")[0] == "hf_apt"]


def room(module: str) -> str:
    """The room of a module: the name below `hf_apt`; empty for `hf_apt` itself."""
    return ".".join(module.split(".")[1:2])


def assert_none(broken: list, law: str) -> None:
    assert not broken, f"{law}\n" + "\n".join(f"  {found}" for found in broken)


def test_what_is_looked_at_is_there() -> None:
    assert len(MODULES) > 150
    assert len(BETWEEN) > 500
    assert {room(name) for name in MODULES} - {"", *BASE} == set(MAY_IMPORT)


def test_a_room_imports_only_the_rooms_of_its_row() -> None:
    broken = [
        found
        for found in BETWEEN
        if room(found.source)
        and room(found.target) not in {room(found.source), *BASE}
        and room(found.target) not in MAY_IMPORT.get(room(found.source), set())
    ]
    assert_none(broken, "law 1: a room imports only the rooms of its row in MAY_IMPORT")


def test_rows_have_an_order() -> None:
    """No room stands, by whatever way, on a room that stands on it."""
    placed: set[str] = set()
    left = dict(MAY_IMPORT)
    while left:
        ready = {name for name, below in left.items() if below <= placed}
        assert ready, f"law 1: the rooms {sorted(left)} import one another in a circle"
        placed |= ready
        left = {name: below for name, below in left.items() if name not in ready}


def test_the_package_itself_imports_models_alone() -> None:
    broken = [
        found for found in BETWEEN if not room(found.source) and room(found.target) != "models"
    ]
    assert_none(broken, "law 1: hf_apt/__init__.py registers model types and imports nothing else")


def test_nothing_imports_itself_in_a_circle() -> None:
    graph: dict[str, set[str]] = {name: set() for name in MODULES}
    for found in BETWEEN:
        if found.target in graph and found.target != found.source:
            graph[found.source].add(found.target)
    done: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, f"law 2: a circle: {' -> '.join([*above, name])}"
        if name not in done:
            for target in graph[name]:
                visit(target, (*above, name))
            done.add(name)

    for name in graph:
        visit(name, ())
    assert done == set(MODULES)


def test_figures_pages_and_cards_know_no_model() -> None:
    broken = [
        found
        for found in IMPORTS
        if room(found.source) in {"stats", "report", "hub"} and found.target.split(".")[0] in HEAVY
    ]
    assert_none(broken, f"law 3: stats, report and hub import none of {', '.join(sorted(HEAVY))}")


def test_figures_touch_no_file() -> None:
    """But for the counts, which save themselves."""
    users = {f.source for f in BETWEEN if room(f.source) == "stats" and f.target == "hf_apt.atomic"}
    own = {"hf_apt.stats.counts.depth_counts"}
    assert users == own, "law 3: stats touches no file but DepthCounts' own"
    files_of = re.compile(
        r"\bopen\(|np\.(load|save|savez|savez_compressed|memmap)\(|\.(read|write)_"
    )
    touching = {
        name
        for name, path in MODULES.items()
        if room(name) == "stats" and files_of.search(path.read_text(encoding="utf-8"))
    }
    assert touching == own, "law 3: stats touches no file but DepthCounts' own"


def test_only_corpora_task_rows_and_image_rows_load_datasets() -> None:
    users = {found.source for found in IMPORTS if found.target.split(".")[0] == "datasets"}
    allowed = ("data.corpora", "data.tasks.rows", "data.images.image_rows")
    law = f"law 4: datasets is imported in {', '.join(allowed)} alone"
    assert users == {f"hf_apt.{name}" for name in allowed}, law


def test_only_the_hub_client_writes_to_the_hub() -> None:
    users = {found.source for found in IMPORTS if found.target.startswith("huggingface_hub")}
    writing = {name for name in users if "HfApi" in MODULES[name].read_text(encoding="utf-8")}
    assert writing == {"hf_apt.hub.client"}, "law 4: only hub/client.py writes to the Hub"


def test_only_the_command_line_prints() -> None:
    broken: list[object] = [
        found
        for found in IMPORTS
        if found.target.split(".")[0] == "rich" and room(found.source) != "cli"
    ]
    broken += [name for name in MODULES if "print" in called(name) and room(name) != "cli"]
    assert_none(broken, "law 4: print and rich are used in cli/ only")


def called(module: str) -> set[str]:
    """The plain names that a module calls."""
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    return {func.id for func in calls if isinstance(func, ast.Name)}


def test_nothing_evaluates_text() -> None:
    broken = [name for name in MODULES if called(name) & {"eval", "exec"}]
    assert_none(broken, "no module evaluates text")


def test_the_label_that_asks_for_none_has_one_name() -> None:
    """But in the code that travels with checkpoints, which imports nothing of ours."""
    allowed = {"hf_apt.stats.not_asked", "hf_apt.models.bert6.modeling_bert6"}
    broken = [
        f"{name}:{node.lineno}"
        for name, path in MODULES.items()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.UnaryOp) and ast.unparse(node) == "-100" and name not in allowed
    ]
    assert_none(broken, "-100 is hf_apt.stats.not_asked.NOT_ASKED")


def test_objectives_and_costs_stand_alone() -> None:
    objectives, costs = "hf_apt.training.objectives.", "hf_apt.training.costs."
    parts = tuple(f"hf_apt.{part}." for part in OBJECTIVE_PARTS)
    broken = [
        found
        for found in BETWEEN
        if (
            found.source.startswith(objectives)
            and found.target != "hf_apt.training.objective"
            and not found.target.startswith(parts)
        )
        or (
            found.source.startswith(costs)
            and not found.target.startswith(costs)
            and found.target != "hf_apt.models.shapes"
        )
    ]
    assert_none(
        broken,
        "law 5: training/objectives imports training/objective.py and what its parts are made "
        f"of ({', '.join(OBJECTIVE_PARTS)}) alone, "
        "training/costs its neighbours and models/shapes.py alone",
    )


def test_a_study_imports_no_other() -> None:
    broken = [
        found
        for found in BETWEEN
        if room(found.source) == room(found.target) == "studies"
        and found.target.split(".")[-1]
        not in STUDIES_ON_STUDIES.get(found.source.split(".")[-1], set())
    ]
    assert_none(broken, "law 6: a study imports no other study, but for STUDIES_ON_STUDIES")


def test_an_analysis_imports_no_other() -> None:
    broken = [
        each
        for each in BETWEEN
        if room(each.source) == room(each.target) == "analysis"
        and each.source.split(".")[2:3] != each.target.split(".")[2:3]
    ]
    assert_none(broken, "law 6: a folder of analysis imports no other")


@pytest.mark.parametrize("other", ["trainer_callbacks", "metrics", "model_cards", "tests"])
def test_the_package_knows_nothing_of_what_stands_on_it(other) -> None:
    broken = [found for found in IMPORTS if found.target.split(".")[0] == other]
    if other == "trainer_callbacks":  # its names are public from hf_apt as well
        broken = [found for found in broken if found.source != "hf_apt.callbacks"]
    assert_none(broken, f"law 7: nothing in hf_apt imports {other}")


@pytest.mark.parametrize("package", OUTSIDE)
def test_what_stands_on_the_package_imports_only_its_rooms(package) -> None:
    allowed = tuple(f"hf_apt.{name}" for name in OUTSIDE[package]) + ("hf_apt.atomic",)
    found = [each for path in files(ROOT / package) for each in imports_of(path)]
    ours = [each for each in found if each.target.split(".")[0] == "hf_apt"]
    assert ours
    broken = [
        each
        for each in ours
        if not any(f"{each.target}.".startswith(f"{name}.") for name in allowed)
    ]
    assert_none(broken, f"law 7: {package} imports only {', '.join(allowed)}")


def num_lines(path: Path) -> int:
    """Lines of a module without its docstrings, which public functions need long ones of."""
    text = path.read_text(encoding="utf-8")
    docstrings = (
        node.value
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
    return len(text.splitlines()) - sum(
        (each.end_lineno or each.lineno) - each.lineno + 1 for each in docstrings
    )


def test_modules_are_short() -> None:
    lengths = {name: num_lines(path) for name, path in MODULES.items()}
    broken = [f"{name} has {length}" for name, length in lengths.items() if length > MAX_LINES]
    assert_none(broken, f"law 8: a module has at most {MAX_LINES} lines without its docstrings")


def test_modules_are_short_with_their_docstrings() -> None:
    paths = [path for name in ("hf_apt", *OUTSIDE) for path in files(ROOT / name)]
    lengths = {module_name(path): len(path.read_text("utf-8").splitlines()) for path in paths}
    broken = [f"{name} has {num}" for name, num in lengths.items() if num > MAX_WHOLE_LINES]
    assert_none(broken, f"law 8: a module has at most {MAX_WHOLE_LINES} lines in total")


def test_folders_are_small() -> None:
    folders = [PACKAGE, *(path for path in PACKAGE.rglob("*") if path.is_dir())]
    broken = []
    for folder in folders:
        own = [path for path in folder.iterdir() if path.is_file()]
        if len(own) > MAX_FILES and "__pycache__" not in folder.parts:
            broken.append(f"{folder.relative_to(ROOT)} has {len(own)}")
    assert_none(broken, f"law 8: a folder has at most {MAX_FILES} files of its own")


def test_rooms_import_nothing_when_they_are_entered() -> None:
    rooms = [f"hf_apt.{name}" for name in MAY_IMPORT if name not in {"report"}]
    broken = [
        found
        for found in BETWEEN
        if found.source in rooms and MODULES[found.source].name == "__init__.py"
        if found.source != "hf_apt.cli"
    ]
    assert_none(broken, "a room's __init__.py is one sentence")


SEEN_THROUGH: dict[str, tuple[str, ...]] = {
    "cli/spelling/test_corpora.py": ("data.artificial.names", "data.artificial.registry"),
    "data/artificial/test_exact_answers.py": (
        *("data.artificial.artificial_language", "data.artificial.evidence"),
        *("data.artificial.markov_chain", "data.artificial.nested_spans", "data.artificial.pairs"),
        *("data.artificial.noise", "data.artificial.planted_words"),
        "data.artificial.generated_corpus",
    ),
    "data/artificial/test_paradigms.py": ("data.artificial.paradigm_law",),
    "data/planted/test_bayes.py": ("data.planted.posteriors",),
    "cli/every_command/test_options_file.py": ("cli.every_command.common_options",),
    "depths/precision/test_changed_answers.py": ("records.changed_answers",),
    "project/test_atomic.py": ("atomic",),
    "records/studies/test_study_record.py": ("records.studies.study_files",),
    "report/studies/test_study_page.py": (
        *("report.studies.study_figure", "report.studies.study_tables"),
        *("report.studies.study_comparison", "report.sections.studies", "hub.sections.studies"),
    ),
    "cli/tables/test_study.py": ("cli.tables.study_comparison",),
    "analysis/selection/test_selection_study.py": (
        *("analysis.selection.planted_detection", "analysis.selection.selection_tables"),
        "cli.analysis.selection",
    ),
    "analysis/experts/test_planted.py": (
        *("analysis.experts.arms", "analysis.experts.silenced", "analysis.experts.read_outs"),
        *("analysis.experts.experts_config", "analysis.experts.experts_record"),
        *("analysis.experts.experts_tables", "analysis.experts.experts_findings"),
        "stats.experts.part_figures",
    ),
    "analysis/experts/test_experts_study.py": (
        *("analysis.experts.part_probes", "analysis.experts.opened"),
    ),
    "analysis/experts/test_greedy_sets.py": ("analysis.experts.greedy_tables",),
    "analysis/experts/test_finetuned_parts.py": ("analysis.experts.silenced_training",),
    "training/objectives/test_graph_pairs.py": ("training.representation.graph_pairs_term",),
    "stats/metric_modules/test_vector_stream.py": ("stats.metric_modules.graph_scores",),
    "training/masking_laws/test_laws.py": (
        *("training.masking_laws.law", "training.masking_laws.of_answers"),
        "training.masking_laws.frequency",
    ),
    "training/masking_laws/test_masking_law_trainer.py": (
        "training.masking_laws.rates_in_training",
    ),
    "training/objectives/test_smoothness.py": ("training.adversary.smoothness_term",),
    "analysis/pairs/test_pair_readings.py": (
        *("analysis.pairs.pair_asker", "analysis.pairs.pair_config", "analysis.pairs.pair_places"),
    ),
    "training/objectives/test_masked_pairs.py": ("training.pairs.masked_pairs_term",),
    "analysis/pairs/test_pair_study.py": ("analysis.pairs.pair_tables",),
    "stats/pairs/test_joints.py": ("stats.pairs.joint_figures", "stats.pairs.nearest_joint"),
    "stats/pairs/test_pair_gap.py": ("stats.pairs.candidates",),
    "analysis/bound_terms/test_bound_terms.py": (
        *("analysis.bound_terms.bound_config", "analysis.bound_terms.bound_study"),
    ),
    "training/objectives/test_replaced_tokens.py": ("training.selection.head_objective",),
    "training/objectives/test_rademacher.py": ("training.representation.rademacher_term",),
    "training/objectives/test_token_contrast.py": ("training.representation.token_contrast_term",),
    "training/objectives/test_proximal.py": ("training.averages.proximal_term",),
    "training/objectives/test_sharpness_aware.py": ("training.adversary.worst_weights",),
    "training/methods/test_weight_average.py": ("training.methods.weight_average_callback",),
    "training/test_kept_steps.py": ("runs.saved_models",),
    "training/test_interruption.py": ("training.divergence", "training.save_and_stop"),
    "training/test_masked_lm_loss.py": ("training.masked_lm_trainer",),
    "project/test_ownership.py": ("ownership",),
    "project/test_file_digests.py": ("file_digests",),
    "project/test_reading.py": ("reading",),
    "cli/test_app.py": (
        *("cli.measure_options", "cli.option_functions", "cli.run_options", "cli.shared_options"),
        *("cli.tables.measurement", "cli.tables.measures", "cli.tables.show", "cli.tables.style"),
    ),
    "cli/test_dataclass_options.py": (
        *("data.corpus_source", "data.measure_config", "data.tasks.task_config"),
        *("depths.feature_config", "depths.head_config", "hub.card_options"),
        "depths.lenses.jacobian_config",
        *("stats.probe_config", "stats.substitution_config", "studies.block_accuracy_config"),
        *("studies.committee_config", "studies.confidence_config"),
        *("training.finetune_config", "training.pretrain_config"),
    ),
    "cli/test_finetune.py": (
        *("cli.task_options", "cli.tables.accuracy", "cli.tables.confidence"),
        "cli.tables.finetuned",
        *("studies.block_accuracy", "studies.seed_accuracy", "depths.own_head_counts"),
    ),
    "cli/test_committee.py": (
        *("cli.tables.committee", "studies.committee", "studies.committee_members"),
    ),
    "studies/test_run_comparison.py": (
        *("cli.compare", "cli.tables.comparison", "stats.rank_agreement", "records.task_records"),
        "report.results.comparison_page",
    ),
    "analysis/smoothness/test_smoothness_study.py": ("analysis.smoothness.smoothness_config",),
    "cli/ner/test_command.py": ("cli.tables.ner_costs", "spans.ner_costs"),
    "analysis/transfer/test_transfer_study.py": (
        *("analysis.transfer.transfer_config", "analysis.transfer.transfer_run"),
        *("analysis.transfer.transfer_words", "cli.analysis.transfer"),
        "analysis.transfer.comparable_runs",
    ),
    "stats/kernels/test_ridge.py": ("stats.kernels.kernel_tensor",),
    "analysis/kernels/test_empirical_kernels.py": (
        *("analysis.kernels.gradients", "analysis.kernels.kernel_plan"),
    ),
    "analysis/kernels/test_prompt.py": ("analysis.kernels.logits_function",),
    "analysis/kernels/test_kernel_study.py": (
        *("analysis.kernels.block_agreement", "analysis.kernels.block_kernels"),
        *("analysis.kernels.draw_summary", "analysis.kernels.function_of_checkpoint"),
        *("analysis.kernels.kernel_config", "analysis.kernels.kernel_draw"),
        *("analysis.kernels.kernel_findings", "analysis.kernels.kernel_tables"),
        "analysis.kernels.trained_arms",
    ),
    "spans/test_ner_study.py": (
        *("spans.ner_arms", "spans.ner_config", "spans.ner_task", "spans.word_tagger"),
        "spans.ner_record",
    ),
    "spans/test_span_model.py": ("spans.configuration_span_model",),
    "spans/test_span_rows.py": ("spans.span_format",),
    "spans/test_training.py": ("spans.type_loss",),
    "cli/spelling/test_methods.py": ("training.methods.method",),
    "training/methods/test_grouped_gradients_callback.py": (
        *("training.methods.grouped_gradients", "training.methods.optimizer_hook"),
        "training.methods.training_rows",
    ),
    "training/methods/test_unit_layers.py": ("training.methods.unit_activations",),
    "training/methods/test_training_dynamics_callback.py": ("training.methods.training_dynamics",),
    "stats/dynamics/test_training_dynamics.py": ("stats.pictures.data_map",),
    "studies/test_cotraining.py": ("studies.cotraining_config",),
    "cli/test_score.py": ("cli.tables.pair_scores", "cli.tables.sentence_scores"),
    "cli/test_similarity.py": ("cli.tables.depth_similarity",),
    "analysis/anchors/test_anchor_vectors.py": (
        *("analysis.anchors.anchor_config", "analysis.anchors.anchor_reader"),
        "stats.anchors.products",
    ),
    "analysis/cls_tokens/test_cls_tokens.py": (
        *("analysis.cls_tokens.cls_config", "analysis.cls_tokens.cls_study"),
    ),
    "stats/anchors/test_word_vectors.py": (
        *("stats.anchors.anchor_fit", "stats.anchors.anchor_sums", "stats.anchors.held_out"),
        "stats.anchors.least_squares",
    ),
    "depths/likelihood/test_pseudo_likelihood.py": ("depths.likelihood.questions",),
    "cli/test_check.py": ("cli.tables.checks",),
    "depths/checks/test_self_test.py": (
        *("depths.checks.depth_checks", "depths.checks.direction", "depths.checks.invariance"),
        *("depths.checks.outcome", "depths.checks.report", "depths.checks.subject"),
        "depths.checks.vocabulary_checks",
    ),
    "cli/test_lens.py": ("cli.tables.lens_answers",),
    "cli/test_reference.py": ("cli.tables.reference",),
    "cli/test_rates.py": ("cli.tables.rates", "report.rates_figure"),
    "runs/test_masking_rates.py": ("stats.floors.rate_curve", "stats.floors.diffusion_bound"),
    "records/references/test_reference.py": ("records.references.sentences",),
    "report/test_ruler_table.py": (
        *("records.references.ruler", "report.ruler_figure", "report.sections.ruler"),
        *("cli.tables.ruler", "hub.sections.ruler"),
    ),
    "runs/test_dry_run.py": ("cli.tables.costs", "runs.machine_speed"),
    "runs/test_phase_costs.py": ("runs.planning.phase_cost",),
    "runs/planning/test_measurement_plan.py": (
        *("runs.planning.checkpoint_costs", "runs.planning.text_size"),
    ),
    "runs/checkpoints/test_series.py": (
        *("runs.checkpoints.named", "runs.checkpoints.measured", "runs.checkpoints.on_text"),
        *("runs.checkpoints.shared_tokens", "runs.text_source"),
    ),
    "runs/test_diff.py": (
        "cli.diff",
        "runs.shared_vocabulary",
        "cli.tables.text_tables",
        "report.run_diff",
        "report.results.diff_page",
        "report.tables_file",
    ),
    "runs/test_acquisition.py": ("cli.acquisition", "report.acquisition"),
    "report/results/test_steps.py": (
        *("report.results.acquisition_page", "report.results.result_page"),
        "report.results.curves",
    ),
    "records/test_token_contexts.py": ("records.measured_text",),
    "runs/test_pipeline.py": (
        *("runs.preparation", "runs.recipes", "runs.summary"),
        "runs.same_checkpoint",
    ),
    "records/test_state_similarity.py": ("report.sections.similarity",),
    "models/test_token_rows.py": ("models.output_embeddings",),
    "report/similarity/test_similarity_file.py": ("report.similarity.similarity_svg",),
    "data/images/test_image_task.py": ("data.images.image_rows", "data.images.image_source"),
    "analysis/images/test_image_depths.py": ("analysis.images.blocks",),
    "analysis/images/test_measure_images.py": (
        *("analysis.images.image_answers", "analysis.images.image_record"),
        *("analysis.images.images_config", "analysis.images.image_tables"),
    ),
    "data/test_corpora.py": ("data.document_blocks", "data.held_out", "data.local_files"),
    "data/test_tokens.py": ("data.sequences", "data.sequence_files"),
    "data/token_sources/test_placed_ids.py": ("data.token_sources.place_files",),
    "data/token_sources/test_token_corpus.py": ("data.token_sources.id_documents",),
    "data/planted/test_language.py": (
        *("data.planted.generate", "data.planted.grammar", "data.planted.states"),
    ),
    "data/planted/test_corpus.py": ("data.planted.labels",),
    "data/tasks/test_task.py": ("data.tasks.rows", "data.tasks.known_tasks"),
    "depths/test_measurement.py": ("data.measurement_batches",),
    "depths/test_decoded.py": ("depths.depth_pass",),
    "stats/measures/test_registry.py": (
        *("stats.measures.answers", "stats.measures.measure", "stats.measures.readout"),
    ),
    "depths/test_trunk.py": ("depths.forward_override", "depths.own_head"),
    "depths/sweep/test_vocabulary.py": (
        *("depths.sweep.chunks", "depths.sweep.equal_rows", "depths.sweep.result"),
    ),
    "depths/sweep/test_kernel.py": ("depths.sweep.launch",),
    "models/bert6/test_modeling_bert6.py": (
        *("models.bert6.configuration_bert6", "models.registration", "models.fresh"),
    ),
    "models/bert6/test_modeling_bert6_cls.py": (
        *("models.bert6.configuration_bert6_cls", "models.bert6.cls_blocks"),
    ),
    "models/bert6/test_modeling_bert_conv.py": ("models.bert6.configuration_bert_conv",),
    "models/committee/test_committee.py": (
        *("models.committee.configuration_committee", "models.committee.modeling_committee"),
        "models.committee.combination_names",
    ),
    "models/test_lora.py": ("models.committee.adapter_committee",),
    "models/test_shapes.py": ("models.description", "stats.labels"),
    "records/test_checkpoints.py": ("models.loading",),
    "training/test_equivalence.py": ("training.pretraining", "models.devices"),
    "training/test_finetuning.py": ("studies.block_protocols", "models.encoders"),
    "depths/test_heads.py": (
        *("models.weights_digest", "training.head_training", "training.state_cache"),
    ),
    "runs/test_several_machines.py": ("training.sharding",),
    "report/test_page.py": (
        *("report.axes", "report.confusion_png", "report.confusion_svg", "report.figures"),
        *("report.formats", "report.lookup", "report.page_content", "report.page_view"),
        *("report.section", "report.sentences", "report.svg", "report.tables"),
        *("report.first_screen.main_chart", "report.passport.page_room"),
        *("report.sections.blocks", "report.sections.clusters", "report.sections.confusion"),
        *(
            "report.sections.frequency",
            "report.sections.measures",
            "report.sections.provenance",
        ),
        *("report.sections.token", "report.sections.treatment"),
    ),
    "report/tasks/test_page.py": (
        *("report.tasks.committee", "report.tasks.confidence", "report.tasks.content"),
        *("report.tasks.accuracy", "report.tasks.agreement", "report.tasks.task_view"),
        *("report.tasks.figures", "report.tasks.formats", "report.tasks.tables"),
        "report.sections.tasks",
    ),
    "hub/test_card.py": (
        *("hub.card_results", "hub.card_section"),
        *("hub.sections.blocks", "hub.sections.finetuning", "hub.sections.measures"),
        "hub.sections.never_right",
    ),
    "records/test_run.py": (
        *("records.run_parts.files", "records.run_parts.tasks", "records.run_parts.tokens"),
    ),
    "records/test_run_records.py": ("records.summary_record", "records.task_record"),
    "stats/test_depth_summary.py": ("stats.depth_figures",),
    "stats/test_confidence.py": ("stats.estimates",),
    "stats/test_substitution.py": ("stats.substitution_effects",),
    "stats/anchors/test_log_partition.py": ("stats.anchors.bulk",),
    "stats/metric_modules/test_modules.py": (
        *("stats.metric_modules.scores", "stats.metric_modules.streaming_metric"),
        *("stats.metric_modules.moved_stream", "stats.metric_modules.smoothness_scores"),
        *("stats.metric_modules.anchor_scores", "stats.metric_modules.rademacher_scores"),
        "stats.metric_modules.feature_stream",
    ),
    "stats/metric_modules/test_streams.py": (
        *("stats.metric_modules.array_inputs", "stats.metric_modules.hit_stream"),
    ),
    "training/losses/test_loss_func.py": ("cli.spelling.losses", "training.losses.class_loss"),
    "training/objectives/test_balanced_contrast.py": ("training.contrast.balanced_term",),
    "training/sampling/test_balanced_sampler.py": ("training.sampling.balanced_batches",),
    "studies/test_confidence.py": ("studies.substitution_models", "studies.confidence_counts"),
}
"""Modules without a test file of their own, by the file that tests them through what uses them."""


def test_every_module_has_its_tests() -> None:
    """`hf_apt/<room>/<module>.py` is tested by `tests/<room>/test_<module>.py`."""
    elsewhere = {name: file for file, names in SEEN_THROUGH.items() for name in names}
    broken = [f"{file} is no file" for file in SEEN_THROUGH if not (TESTS / file).exists()]
    broken += [f"{name} is no module" for name in elsewhere if f"hf_apt.{name}" not in MODULES]
    for name, path in MODULES.items():
        own = path.relative_to(PACKAGE).with_name(f"test_{path.name}")
        if has_public_definition(path) and not path.name.startswith("__"):
            short = name.removeprefix("hf_apt.")
            if (TESTS / own).exists() == (short in elsewhere):
                broken.append(f"{short}: either tests/{own} or a place in SEEN_THROUGH")
    assert_none(broken, "law 9: tests mirror the rooms")


def has_public_definition(path: Path) -> bool:
    kinds = (ast.FunctionDef, ast.ClassDef)
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return any(isinstance(node, kinds) and not node.name.startswith("_") for node in body)


def test_laws_are_held_by_what_they_name() -> None:
    """A forbidden import is found: the laws are not empty."""
    upward = Import("hf_apt.stats.apt", "hf_apt.cli.app", 1)
    assert room(upward.target) not in MAY_IMPORT[room(upward.source)]
    assert str(upward) == "hf_apt.stats.apt:1 imports hf_apt.cli.app"


def test_every_public_name_is_where_the_package_says() -> None:
    import hf_apt

    assert len(hf_apt.__all__) > 30
    for name in hf_apt.__all__:
        assert getattr(hf_apt, name) is not None
    with pytest.raises(AttributeError, match="nothing"):
        _ = hf_apt.nothing
