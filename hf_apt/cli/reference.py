"""`hf-apt reference`: its options."""

# Without postponed annotations: typer reads them.

from pathlib import Path
from typing import Annotated

from typer import Option, echo


def reference_command(
    vocab_size: Annotated[int, Option(min=1, help="Number of tokens of the model.")],
    masking_rate: Annotated[
        float, Option(help="Share of the positions that are asked, above 0 and at most 1.")
    ] = 0.15,
    accuracy: Annotated[
        float | None, Option(help="An accuracy to compare, from 0 to 1.", show_default="none")
    ] = None,
    support: Annotated[
        Path | None,
        Option(
            help="How often each token was asked for: an .npz file with `support`, as AptCallback "
            "writes, or .npy.",
            show_default="none",
        ),
    ] = None,
    masked_share: Annotated[float, Option(help="Share of asked positions that show a mask.")] = 0.8,
    replaced_share: Annotated[
        float, Option(help="Share of asked positions that show any token.")
    ] = 0.1,
) -> None:
    """Is my accuracy normal? What guessing and published models reach, without any model."""
    from hf_apt.cli.every_command.output_format import is_json
    from hf_apt.cli.tables import reference as table
    from hf_apt.cli.tables.show import show
    from hf_apt.reading import read_array, read_arrays
    from hf_apt.records.references.reference import reference

    support_V = None
    if support is not None and support.suffix == ".npz":
        arrays = read_arrays(support)
        if "support" not in arrays:
            raise ValueError(f"{support} has no array `support`: give a table of AptCallback.")
        support_V = arrays["support"]
    elif support is not None:
        support_V = read_array(support)
    known = reference(
        vocab_size=vocab_size,
        masking_rate=masking_rate,
        support=support_V,
        masked_share=masked_share,
        replaced_share=replaced_share,
    )
    answer = None if accuracy is None else known.is_normal(accuracy)
    show(known, (table,))
    if answer is not None:
        echo(answer, err=is_json())
