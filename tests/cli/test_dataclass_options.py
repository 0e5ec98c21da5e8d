"""Laws of options that are fields: said once, and an option that is given changes its field."""

import inspect
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Literal, get_args, get_origin

import pytest
import typer

from hf_apt.cli.analysis.anchors import ANCHORS
from hf_apt.cli.analysis.cls import CLS
from hf_apt.cli.analysis.experts import EXPERTS
from hf_apt.cli.analysis.images import IMAGES
from hf_apt.cli.analysis.kernels import KERNELS
from hf_apt.cli.analysis.pairs import PAIRS
from hf_apt.cli.analysis.rademacher import RADEMACHER
from hf_apt.cli.analysis.selection import SELECTION
from hf_apt.cli.analysis.smoothness import SMOOTHNESS
from hf_apt.cli.analysis.transfer import TRANSFER
from hf_apt.cli.app import app
from hf_apt.cli.committee import COMMITTEE, committee_options
from hf_apt.cli.dataclass_options import (
    ConfigOptions,
    Flag,
    changes_of,
    described,
    field_of,
    in_panel,
    made_from,
)
from hf_apt.cli.finetune import FINETUNE, finetune_options
from hf_apt.cli.measure_options import MEASURE, measure_options
from hf_apt.cli.ner.command import NER
from hf_apt.cli.publish import CARD
from hf_apt.cli.run_options import DEFAULTS, RUN, run_options, with_precision
from hf_apt.cli.shared_options import CORPUS
from hf_apt.data.corpus_source import CorpusSource
from hf_apt.data.measure_config import MeasureConfig
from hf_apt.runs.recipes import RunConfig, demo_recipe, narrow_recipe, paper_recipe

FIELDS: dict[str, tuple[ConfigOptions, ...]] = {
    "run": (CORPUS, RUN),
    "pretrain": (CORPUS, RUN),
    "measure": (CORPUS, MEASURE),
    "report": (),
    "finetune": (FINETUNE,),
    "committee": (COMMITTEE,),
    "ner": (NER,),
    "experts": (EXPERTS,),
    "images": (IMAGES,),
    "kernels": (KERNELS,),
    "compare": (),
    "transfer": (TRANSFER,),
    "bench": (),
    "check": (),
    "diff": (),
    "acquisition": (),
    "lens": (),
    "fit-lens": (),
    "ls": (),
    "env": (),
    "score": (),
    "similarity": (),
    "smoothness": (SMOOTHNESS,),
    "selection": (SELECTION,),
    "rademacher": (RADEMACHER,),
    "anchors": (ANCHORS,),
    "pairs": (PAIRS,),
    "cls": (CLS,),
    "reference": (),
    "rates": (CORPUS, MEASURE),
    "publish checkpoint": (CARD,),
    "publish card": (CARD,),
    "publish metric": (),
    "publish space": (),
}
"""The options of each command that are fields."""

TEXT = ("validation_share", "paragraphs")
"""Options whose defaults depend on what is to be done, or on the files."""

TRAINED = {
    *(
        "corpus",
        "recipe",
        "model",
        "generator",
        "start_from",
        "heads",
        "precision",
        "task",
        "output",
    ),
    *TEXT,
}

MEASURED = {"checkpoint", "corpus", "heads", "revision", "output", *TEXT}

OWN = {
    "run": {*TRAINED, "dry_run"},
    "pretrain": TRAINED,
    "measure": {*MEASURED, "revisions", "dry_run"},
    "report": {"run"},
    "finetune": {"checkpoint", "revision", "output"},
    "committee": {"members", "revision", "output"},
    "ner": {"checkpoint", "data", "revision", "output", "dry_run"},
    "compare": {"runs", "task", "study", "output"},
    "transfer": {"runs", "output"},
    "experts": {
        *("checkpoint", "text", "column", "paragraphs", "held_out", "layout", "part", "task"),
        *("text_column", "label_column", "train_per_class", "test_per_class", "revision", "output"),
        "dry_run",
    },
    "kernels": {"checkpoint", "revision", "output"},
    "rademacher": {"model", "task", "text", "column", "paragraphs", "output"},
    "images": {"checkpoint", "revision", "output"},
    "bench": {"model", "data", "tokenizer", "dataset", "batch_size", "output"},
    "check": {"model", "tokenizer", "text"},
    "diff": {
        *("run_a", "run_b", "readout", "against", "rate", "tokens", "output", "text", "tokenizer"),
        *("sequence_length", "layout", "paragraphs", "keep"),
    },
    "acquisition": {"sources", "data", "readout", "step", "min_support", "tokenizer", "output"},
    "lens": {"text", "model", "tokenizer", "true", "mask", "each", "top", "lens", "output"},
    "fit-lens": {
        *("checkpoint", "corpus", "kind", "sequences", "positions", "steps", "sequence_length"),
        *("layout", "max_documents", "paragraphs", "output"),
    },
    "ls": set(),
    "env": set(),
    "score": {"model", "file", "kind", "column", "unit", "level", "batch_size", "output"},
    "similarity": {
        *("model", "other", "text", "column", "things", "plain", "max_texts", "sequence_length"),
        *("paragraphs", "output"),
    },
    "smoothness": {"checkpoint", "text", "paragraphs", "revision", "output"},
    "selection": {"run"},
    "anchors": {"model", "text", "column", "max_texts", "paragraphs", "output"},
    "cls": {"model", "text", "column", "max_texts", "paragraphs", "output"},
    "pairs": {"model", "text", "column", "max_texts", "paragraphs", "output"},
    "reference": {
        *("vocab_size", "masking_rate", "accuracy", "support", "masked_share", "replaced_share"),
    },
    "rates": {*MEASURED, "rate", "only_masks"},
    "publish checkpoint": {"run", "public", "dry_run", "output"},
    "publish card": {"run", "public", "dry_run", "output"},
    "publish metric": {"name", "repo", "public", "dry_run"},
    "publish space": {"run", "repo", "public", "dry_run", "output"},
}
"""The arguments and options of each command that are not."""

SPELLED = {
    "objective": "r_drop:weight=0.5",
    "method": "grouped_gradients:num_groups=4",
    "loss": "focal:gamma=2",
    "words": "bad,good",
    "keep_at": "10,100",
    "cls_norms": "1-3",
    "cls_projections": "1",
    "masking_law": "ability:every=7",
    "sgd_rates": "0.5,0.25",
    "adam_rates": "0.5,0.25",
    "lora_rates": "0.5,0.25",
}
"""A value of each option that has an own reader."""

TABLES = {
    "corpus": CORPUS,
    "run": RUN,
    "measure": MEASURE,
    "finetune": FINETUNE,
    "committee": COMMITTEE,
    "ner": NER,
    "smoothness": SMOOTHNESS,
    "selection": SELECTION,
    "transfer": TRANSFER,
    "experts": EXPERTS,
    "images": IMAGES,
    "card": CARD,
    "anchors": ANCHORS,
    "cls": CLS,
    "pairs": PAIRS,
}


def commands() -> dict[str, Any]:
    """All commands by name, as the command line has them."""

    def below(command: Any, name: str = "") -> dict[str, Any]:
        if not hasattr(command, "commands"):
            return {name.strip(): command}
        inner = (below(each, f"{name} {key}") for key, each in command.commands.items())
        return {key: each for one in inner for key, each in one.items()}

    return below(typer.main.get_command(app))


COMMANDS = commands()


@pytest.fixture
def call(call, monkeypatch):
    """The command line, 200 columns wide: exit code, standard output, standard error."""
    monkeypatch.setenv("COLUMNS", "200")
    return call


def at(config: Any, path: str) -> Any:
    for name in path.split("."):
        config = getattr(config, name)
    return config


def flat(config: Any) -> dict[str, Any]:
    """All values of a configuration by path."""

    def below(values: dict, prefix: str = "") -> dict[str, Any]:
        found = {}
        for name, value in values.items():
            inner = isinstance(value, dict)
            found |= below(value, f"{prefix}{name}.") if inner else {prefix + name: value}
        return found

    return below(asdict(config))


def another(options: ConfigOptions, flag: Flag, old: Any) -> tuple[Any, Any]:
    """A value for an option, other than `old`, and the field's value of it."""
    if flag.read is not None:
        text = SPELLED[flag.parameter]
        return [text], flag.read([text])
    if flag.parse is not None:
        return SPELLED[flag.parameter], flag.parse(SPELLED[flag.parameter])
    annotation = inspect.signature(options).parameters[flag.parameter].annotation
    present = [each for each in get_args(get_args(annotation)[0]) if each is not type(None)]
    kind = (
        present[0] if type(None) in get_args(get_args(annotation)[0]) else get_args(annotation)[0]
    )
    if get_origin(kind) is list:
        (element,) = get_args(kind)
        value = element("max") if issubclass(element, StrEnum) else "tensorboard"
        return [value, value], (str(value),)
    if get_origin(kind) is Literal:
        value = next(each for each in get_args(kind) if each != old)
    elif kind is bool:
        value = not old
    else:
        value = 0.625 if kind is float and (flag.min or 0) < 1 else kind(12)
    assert value != old
    return value, value


# One definition.


def test_every_command_is_looked_at() -> None:
    assert COMMANDS.keys() == FIELDS.keys() == OWN.keys()


@pytest.mark.parametrize("name", FIELDS)
def test_every_option_is_a_field_or_the_commands_own(name) -> None:
    fields = {flag.parameter for options in FIELDS[name] for flag in options.flags}
    assert not fields & OWN[name]
    common = set() if name.startswith("publish") else {"config", "format"}
    assert {each.name for each in COMMANDS[name].params} - {"help"} == fields | OWN[name] | common


@pytest.mark.parametrize("name", FIELDS)
def test_the_help_of_a_field_is_its_docstring(name) -> None:
    shown = {each.name: each for each in COMMANDS[name].params}
    for options in FIELDS[name]:
        for flag in options.flags:
            docstring, _ = described(*field_of(options.config, flag.path))
            option = shown[flag.parameter]
            repeated = "Can be repeated." if option.multiple else ""
            parts = filter(None, (docstring, flag.more, repeated))
            assert option.help == " ".join(parts), flag.path
            assert flag.spelled in option.opts


@pytest.mark.parametrize("options", TABLES.values(), ids=TABLES)
def test_a_help_stands_alone(options) -> None:
    """It is of sentences, and does not speak of attributes."""
    for flag in options.flags:
        docstring, _ = described(*field_of(options.config, flag.path))
        assert docstring[0].isupper() or docstring[0] == "`", docstring
        assert docstring.endswith(".")
        assert not docstring.startswith(("Whether", "Of ", "Its ")), docstring
        assert "None" not in docstring


def test_what_none_stands_for_is_the_default_that_is_shown(call) -> None:
    assert described(CorpusSource, "max_documents") == (
        "Largest number of documents to train on, or to measure where nothing is trained, drawn at "
        "random; of token ids in files the first.",
        "all",
    )
    _, out, _ = call("measure", "--help")
    shown = " ".join(out.replace("│", " ").split())
    assert "of token ids in files the first. [default: (all)]" in shown


def test_the_defaults_shown_are_those_of_the_recipes() -> None:
    source = CorpusSource(name="texts.txt")
    recipes = {
        "demo": demo_recipe(),
        "narrow": narrow_recipe(source),
        "paper": paper_recipe(source),
    }
    for flag in RUN.flags:
        values = {}
        for name, recipe in recipes.items():
            value = recipe
            for part in flag.path.split("."):
                value = getattr(value, part)
            values[name] = f"{value:,}" if type(value) is int else str(value)
        distinct = set(values.values())
        owner, name = field_of(RunConfig, flag.path)
        if flag.path == "tokenizer" or distinct <= {"()", "False"}:
            assert flag.path not in DEFAULTS
        elif distinct == {"None"}:
            assert DEFAULTS.get(flag.path, described(owner, name)[1]) == described(owner, name)[1]
        elif distinct == {"True"}:
            assert DEFAULTS[flag.path] == name
        elif len(distinct) == 1:
            assert DEFAULTS[flag.path] == distinct.pop()
        else:
            assert DEFAULTS[flag.path] == ", ".join(f"{one} {all_}" for one, all_ in values.items())


# What an option does.


@pytest.mark.parametrize("name", ["run", "measure", "finetune", "committee", "corpus", "card"])
def test_an_option_changes_exactly_its_field(name) -> None:
    options = TABLES[name]
    needed = {"repo": "a/b"} if name == "card" else {}
    plain = demo_recipe() if options.is_change else options(**needed)[0]
    for flag in options.flags:
        before = plain
        value, field_value = another(options, flag, at(before, flag.path))
        if flag.path == "pretrain.compile_mode":  # which is refused where nothing is compiled
            value = field_value = "reduce-overhead"
            before = replace(plain, pretrain=replace(plain.pretrain, compile=True))
        if flag.path.startswith("pretrain.carried_"):  # which is refused where nothing is carried
            before = replace(plain, pretrain=replace(plain.pretrain, blocks_of="x"))
        (made,) = options(**needed | {flag.parameter: value})
        after = made(before) if options.is_change else made
        assert at(after, flag.path) == field_value, flag.path
        changed = {path for path, each in flat(after).items() if each != flat(before).get(path)}
        if flag.read is None and flag.parse is None:
            assert changed == {flag.path}, flag.path
        else:
            assert all(path.startswith(flag.path) for path in changed)


@pytest.mark.parametrize("options", [RUN, MEASURE])
def test_without_options_a_recipe_is_left_as_it_is(options) -> None:
    for recipe in (demo_recipe(), narrow_recipe(CorpusSource(name="x/y"))):
        for nothing in ({}, {flag.parameter: None for flag in options.flags}):
            (changed,) = options(**nothing)
            assert changed(recipe) == recipe


def test_without_options_commands_have_the_defaults_of_the_fields() -> None:
    assert run_options(corpus="x/y")[0] == narrow_recipe(CorpusSource(name="x/y"))
    assert run_options()[0] == demo_recipe()
    _, config, _ = finetune_options(checkpoint="x")
    assert config == type(config)(task=type(config.task)(name="planted"))
    _, config, _ = committee_options(members=["x"])
    assert config == type(config)(
        task=type(config.task)(name="planted"), finetune=type(config.finetune)()
    )


@pytest.mark.parametrize("options", [EXPERTS, IMAGES], ids=["experts", "images"])
def test_without_options_it_is_the_configuration_that_python_makes(options) -> None:
    """What it has inside included, whose class may have other defaults."""
    assert options() == (options.config(),)
    assert EXPERTS(realisations=3)[0].measure == MeasureConfig(
        num_sequences=256, num_realisations=3
    )


def test_a_seed_and_a_length_of_fine_tuning_are_those_of_all_its_parts() -> None:
    _, config, _ = finetune_options(checkpoint="x", seed=7, sequence_length=64, batch_size=8)
    assert config.task.seed == config.finetune.seed == 7
    assert config.features.sequence_length == config.finetune.sequence_length == 64
    assert config.features.batch_size == config.finetune.batch_size == 8
    assert finetune_options(checkpoint="x", epochs=0)[1].finetune is None
    assert committee_options(members=["x"], seed=7)[1].task.seed == 7


def test_a_checkpoint_brings_its_tokenizer_to_the_measurement() -> None:
    given = {"checkpoint": "bert6-narrow-wikipedia", "corpus": "x/y", "layout": "first"}
    path, config, _ = measure_options(**given)
    assert config.tokenizer == path
    _, config, _ = measure_options(**given, tokenizer="a/b")
    assert config.tokenizer == "a/b"


# What the command line says.


@pytest.mark.parametrize("name", FIELDS)
def test_every_command_has_a_help(call, name) -> None:
    code, out, error = call(*name.split(), "--help")
    assert (code, error) == (0, "")
    shown = " ".join(out.split())
    for options in FIELDS[name]:
        for flag in options.flags:
            assert flag.spelled in shown


@pytest.mark.parametrize(
    ("arguments", "choices"),
    [
        (["run", "--layout=odd"], ["first", "packed"]),
        (["run", "--optimizer=odd"], ["adamw", "muon"]),
        (["run", "--recipe=odd"], ["auto", "demo", "narrow", "paper"]),
        (
            ["measure", "x", "--heads=odd"],
            ["none", "linear", "mlm", "both", "jacobian", "translator", "all"],
        ),
        (["finetune", "x", "--pooling=odd"], ["cls", "mean", "max", "flatten"]),
        (["committee", "x", "--combination=odd"], ["mean_softmax", "mean_logits", "majority"]),
    ],
    ids=lambda value: value[-1],
)
def test_another_choice_is_refused_with_the_list_of_choices(call, arguments, choices) -> None:
    code, _, error = call(*arguments)
    assert code == 2
    assert f"'odd' is not one of {', '.join(map(repr, choices))}." in error
    assert "Traceback" not in error


@pytest.mark.parametrize("value", ["0", "many"])
def test_a_value_out_of_range_or_of_another_type_is_refused(call, value) -> None:
    code, _, error = call("run", f"--steps={value}")
    assert code == 2
    assert "--steps" in error


def test_an_objective_that_there_is_not_is_one_sentence(call) -> None:
    for arguments in (["run"], ["finetune", "x"], ["committee", "x"]):
        code, _, error = call(*arguments, "--objective=odd:weight=1")
        assert code == 2
        assert error.startswith("hf-apt: there is no objective 'odd'")


# A configuration of another package.


@dataclass(frozen=True, kw_only=True)
class Inner:
    """Inside another one."""

    width: int = 3
    """Width of it."""


@dataclass(frozen=True, kw_only=True)
class Outer:
    """With all kinds of fields."""

    name: str
    """Name of it, in
    two lines; None for nobody's. And more."""

    inner: Inner | None = None
    """What is inside."""

    deep: bool = True
    """Look deep."""

    words: tuple[str, ...] = ("a", "b")
    """Words to use."""


def test_a_field_costs_its_docstring_and_one_name() -> None:
    options = made_from(Outer, *in_panel("All", Flag("name", "--called"), "inner.width", "deep"))
    called, width, deep = inspect.signature(options).parameters.values()
    assert (called.name, width.name, deep.name) == ("called", "width", "deep")
    assert called.default is inspect.Parameter.empty
    assert (width.default, deep.default) == (3, True)
    assert called.annotation.__metadata__[0].help == "Name of it, in two lines. And more."
    assert deep.annotation.__metadata__[0].default == "--deep/--no-deep"  # where typer keeps it
    assert {each.annotation.__metadata__[0].rich_help_panel for each in (called, width)} == {"All"}
    assert options(called="x", width=4) == (Outer(name="x", inner=Inner(width=4)),)


def test_a_change_keeps_what_is_not_given() -> None:
    options = changes_of(Outer, Flag("inner.width", min=1), Flag("words"), Flag("deep"))
    config = Outer(name="x", inner=Inner(width=9), words=("c",))
    for nothing in ({}, {"width": None, "words": [], "deep": None}):
        assert options(**nothing)[0](config) == config
    (changed,) = options(words=["d", "e", "d"], deep=False)
    assert changed(config) == Outer(name="x", inner=Inner(width=9), words=("d", "e"), deep=False)
    defaults = {each.default for each in inspect.signature(options).parameters.values()}
    assert defaults == {None}


def test_a_field_without_a_docstring_is_no_option() -> None:
    with pytest.raises(KeyError):
        described(Outer, "missing")


# Light.


def test_configurations_and_options_need_no_arrays() -> None:
    modules = (
        "hf_apt.runs.recipes",
        "hf_apt.cli.app",
        "hf_apt.hub.card_options",
        "hf_apt.studies.committee_config",
    )
    heavy = {"torch", "transformers", "datasets", "tokenizers", "numpy", "scipy", "sklearn"}
    code = (
        f"import sys, {', '.join(modules)}\n"
        f"print(sorted({heavy!r} & set(sys.modules)), len(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.startswith("[]"), done.stderr + done.stdout


@pytest.mark.parametrize("task", ["planted", None])
def test_one_precision_is_that_of_all_training(task):
    """Of the model, of heads and on the task, where there is one; measuring stays exact."""
    config = with_precision(demo_recipe(task=task), "bf16")
    assert config.pretrain.precision == config.heads.precision == "bf16"
    assert config.measure.precision == "fp32"
    assert (config.finetune is None) == (task is None)
    if config.finetune is not None:
        assert config.finetune.finetune is not None
        assert config.finetune.finetune.precision == "bf16"
    assert with_precision(config, None) == config
