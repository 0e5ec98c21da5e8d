"""`hf-apt rates`: its options."""

# Without postponed annotations: typer reads them.

from pathlib import Path
from typing import Annotated

from typer import Option

from hf_apt.cli.failures import starts_anew, writes_into
from hf_apt.cli.measure_options import measure_options
from hf_apt.cli.option_functions import with_options
from hf_apt.runs.recipes import RunConfig


@with_options(measure_options)
def rates_command(
    checkpoint: str,
    config: RunConfig,
    folder: Path,
    *,
    rate: Annotated[
        list[float] | None,
        Option(
            help="A masking rate, above 0 and at most 1; may be repeated.",
            show_default="0.05 to 1 in nine steps",
        ),
    ] = None,
    only_masks: Annotated[
        bool,
        Option(
            "--only-masks",
            help="Show a mask at every asked position, not at 80 % of them; at a rate of 1 nothing "
            "of the text is seen then.",
        ),
    ] = False,
) -> None:
    """Accuracy and mean APT against masking rate, at every block: a pass over the text a rate."""
    starts_anew()
    from hf_apt.cli.tables import rates as table
    from hf_apt.cli.tables.show import show, show_paths
    from hf_apt.models.devices import to_device
    from hf_apt.models.loading import load_masked_lm
    from hf_apt.report.rates_figure import write_rates_figure
    from hf_apt.runs.masking_rates import RATES, masking_rates, require_rates
    from hf_apt.runs.measured_checkpoint import is_causal_checkpoint
    from hf_apt.runs.option_checks import require_checkpoint
    from hf_apt.runs.pipeline import begun
    from hf_apt.runs.preparation import prepare

    writes_into(folder)
    require_checkpoint(checkpoint)
    require_rates(rate or RATES)
    if config.head_kinds:
        raise ValueError("rates are read by the model's own head: leave out --heads.")
    if is_causal_checkpoint(checkpoint):
        raise ValueError(f"{checkpoint} is a causal model: nothing is masked, at no rate.")
    with begun(config, folder) as run:
        _, validation = prepare(config, run)
        curve = masking_rates(
            to_device(load_masked_lm(checkpoint)),
            validation,
            rates=rate or RATES,
            config=config.measure,
            only_masks=only_masks,
        )
        run.write_json("masking-rates.json", curve.record() | {"checkpoint": checkpoint})
        write_rates_figure(curve, run.path("masking-rates.svg"))
        show(curve, (table,))
        show_paths(record=run.path("masking-rates.json"), figure=run.path("masking-rates.svg"))
