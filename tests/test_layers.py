"""The direction of dependencies: who may import whom, and who may not know torch.

A module imports only from layers below its own; inside a package (report, planted, bert6, sweep)
also from its siblings. Imports inside functions count like any other: they are there for speed
alone, or for what not every machine has.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "hf_apt"

LAYERS = {
    # No other module of ours.
    0: {
        "adapters",
        "atomic",
        "checkpoints",
        "descriptions",
        "devices",
        "documents",
        "environment",
        "fewrel",
        "growing",
        "head_loss",
        "inputs",
        "kept_states",
        "loading",
        "local_files",
        "masking",
        "matrix_rate",
        "muon",
        "overlap",
        "registration",
        "replaced",
        "resources",
        "sequence_losses",
        "sequences",
        "shapes",
        "sharding",
        "shared_folder",
        "splits",
        "sweep",
        "taking",
        "taps",
        "terminal",
        "transfer_scores",
    },
    # Sufficient statistics; tokenizers and text; models and heads; what is printed.
    1: {
        "heads",
        *("counts", "tokenizers", "shards", "sides", "last_block", "anatomy", "bert6"),
        "committee",
        "fixed_places",
        *("model_costs", "progress"),
        *("block_tables", "comparison_tables", "confidence_tables", "committee_tables"),
    },
    # Read off counts; a run's folder; sequences on disk; what an answer costs.
    2: {
        *("apt", "confusion", "trunk", "records", "streams", "corpus", "tokens", "bert_conv"),
        *("communication", "latency", "training_flops"),
    },
    3: {
        *("clusters", "confidence", "examples", "frequency", "depth_pass", "masked_batches"),
        *("probes", "streamed", "substitution", "task_records", "task_rows", "tokenising"),
    },
    # All figures of a run, its table and its page: from a folder alone.
    4: {
        *("labelled", "summary", "report", "calibration", "substitution_effects", "flat_probes"),
    },
    # Train and measure; the figures of the metric modules; what is sent to the Hub.
    5: {
        "pretrain",
        "head_training",
        "measure",
        "scores",
        "card_results",
        "parcel",
        "console",
        "agreement",
    },
    # The planted language: as a corpus it answers what a model is asked.
    6: {"planted", "cards", "hub", "own_counts", "comparison", "depth_losses"},
    7: {"encoders"},
    8: {"tasks", "features", "substituting", "cut"},
    # Fine-tuning, of one seed and over seeds; committees.
    9: {"finetune", "compare_cli", "confidence_record"},
    10: {"protocols", "members"},
    # Whole configurations, and the phases that take them.
    11: {"seed_figures", "recipes", "committee_accuracy"},
    12: {"block_accuracy", "prepare", "readouts", "options", "run_costs"},
    # The chain; the command line.
    13: {"measure_options", "task_options", "pipeline", "publish_cli", "machine_speed"},
    14: {"finetune_cli", "committee_cli", "dry_run"},
    15: {"cost_tables"},
    16: {"cli"},
}
LAYER = {name: layer for layer, names in LAYERS.items() for name in names}

PURE = {
    *("counts", "apt", "frequency", "confusion", "clusters", "summary", "records", "atomic"),
    *("masking", "console", "terminal"),
    *("inputs", "streams", "streamed", "scores", "confidence", "resources"),
    *("cards", "card_results"),
    *("calibration", "substitution", "substitution_effects", "confidence_tables"),
    *("splits", "fewrel", "transfer_scores", "block_tables", "committee_tables", "probes"),
    *("overlap", "flat_probes", "agreement", "comparison", "comparison_tables", "task_records"),
    *("shapes", "model_costs", "communication", "documents", "sides", "growing", "sequences"),
    *("sequence_losses", "training_flops"),
    *("planted.grammar", "planted.language", "planted.states", "planted.generate", "planted.bayes"),
    "planted.labels",
}
"""NumPy, SciPy and scikit-learn alone; and all of report."""

HEAVY = {"torch", "transformers", "datasets", "accelerate", "tokenizers", "safetensors"}
NUM_MODULES = 158


def modules() -> dict[str, Path]:
    """All modules by name, `hf_apt` itself left out; a package is called by its folder.

    Copies of code that travel with a checkpoint are none.
    """
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        if "checkpoints_data" in path.parts:
            continue
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    del found[""]
    return found


MODULES = modules()


def imported(path: Path) -> set[str]:
    """What a file imports, anywhere in it: each name that could be a module, in full."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = path.relative_to(ROOT).parts[: -node.level] if node.level else ()
            module = ".".join([*above, *([node.module] if node.module else [])])
            found.add(module)
            found |= {f"{module}.{alias.name}" for alias in node.names}
    return found


def own_imports(name: str) -> set[str]:
    """The modules of hf_apt that a module imports."""
    full = {target.removeprefix("hf_apt.") for target in imported(MODULES[name])}
    found = full & set(MODULES)
    # `from hf_apt.report.svg import x` names report.svg, not the package above it.
    above = {target for target in found if any(other.startswith(f"{target}.") for other in found)}
    return found - above - {name}


def top(name: str) -> str:
    return name.partition(".")[0]


def test_all_modules_are_seen_and_have_a_layer() -> None:
    assert len(MODULES) == NUM_MODULES
    assert {top(name) for name in MODULES} == set(LAYER)
    assert len(LAYER) == sum(map(len, LAYERS.values())), "a module is in two layers"


def test_imports_point_downwards() -> None:
    seen = 0
    for name in MODULES:
        for target in own_imports(name):
            seen += 1
            if top(name) != top(target):
                assert LAYER[top(target)] < LAYER[top(name)], f"{name} imports {target}"
    assert seen > 100


def test_nothing_imports_itself_in_a_circle() -> None:
    """Within packages, too; `bert6` finds its own classes when they are asked for."""
    graph = {name: own_imports(name) for name in MODULES}
    graph["bert6"] = set()
    done: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, f"a circle: {' -> '.join([*above, name])}"
        if name not in done:
            for target in graph[name]:
                visit(target, (*above, name))
            done.add(name)

    for name in graph:
        visit(name, ())
    assert done == set(MODULES)


def test_what_is_read_off_counts_knows_no_model() -> None:
    pure = {name for name in MODULES if name in PURE or top(name) == "report"}
    assert pure >= PURE
    assert len(pure) >= 25
    for name in pure:
        heavy = {target for target in imported(MODULES[name]) if top(target) in HEAVY}
        assert not heavy, f"{name} imports {heavy}"


def test_pure_modules_import_pure_modules_only() -> None:
    for name in MODULES:
        if name in PURE or top(name) == "report":
            for target in own_imports(name):
                assert target in PURE or top(target) == "report", f"{name} imports {target}"


def test_only_texts_and_tasks_load_datasets() -> None:
    users = {name for name, path in MODULES.items() if "datasets" in map(top, imported(path))}
    assert users == {"corpus", "task_rows"}
    assert {n for n, path in MODULES.items() if "load_dataset" in path.read_text()} == users


@pytest.mark.parametrize("other", ["trainer_callbacks", "metrics", "tests", "model_cards"])
def test_the_package_knows_nothing_of_what_is_built_on_it(other) -> None:
    for name, path in MODULES.items():
        assert other not in map(top, imported(path)), f"{name} imports {other}"


def test_modules_are_short_and_silent() -> None:
    for name, path in MODULES.items():
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 300, f"{name} is too long"
        calls = {
            node.func.id
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert "print" not in calls, f"{name} prints"
        assert not calls & {"eval", "exec"}, f"{name} evaluates text"


def test_every_public_name_is_where_the_package_says() -> None:
    import hf_apt

    assert len(hf_apt.__all__) > 30
    for name in hf_apt.__all__:
        assert getattr(hf_apt, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = hf_apt.nothing
