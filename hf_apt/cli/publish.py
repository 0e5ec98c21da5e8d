"""`hf-apt publish`: a checkpoint, its card, a metric, a page."""

# Without postponed annotations: typer reads them.

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from hf_apt.cli.dataclass_options import Flag, in_panel, made_from
from hf_apt.cli.failures import writes_into
from hf_apt.cli.option_functions import with_options
from hf_apt.hub.card_options import CardOptions

if TYPE_CHECKING:
    from hf_apt.hub.publication import Publication
    from hf_apt.records.run import Run

publish_app = typer.Typer(
    no_args_is_help=True,
    help="Send a checkpoint, its card, a page or a metric to the Hugging Face Hub: private unless "
    "`--public` is given, in one commit, and only what changed.",
)

Public = Annotated[bool, Option("--public", help="Make the repository public.")]
DryRun = Annotated[bool, Option("--dry-run", help="List what would be sent, and send nothing.")]

CARD = made_from(
    CardOptions,
    Flag("repo"),
    *in_panel("What no record says", "license", "language", "dataset", "data", "data_license"),
)


@with_options(CARD)
def card_options(
    options: CardOptions,
    *,
    run: Annotated[Path, Argument(help="A finished run's folder.")],
    public: Public = False,
    dry_run: DryRun = False,
    output: Annotated[
        Path | None,
        Option("--output", "-o", help="Write the card into this folder, and send nothing."),
    ] = None,
) -> tuple[Path, CardOptions, Path | None, bool, bool]:
    """The run, what its card says, where to write that, and whether to be public or dry."""
    from hf_apt.hub.client import require_repo_name
    from hf_apt.hub.languages import require_language
    from hf_apt.hub.licenses import require_license

    for name in (options.repo, options.dataset):
        if name is not None:
            require_repo_name(name)
    if options.license is not None:
        require_license(options.license)
    if options.language is not None:
        require_language(options.language)
    return run, options, output, public, dry_run


@publish_app.command("checkpoint")
@with_options(card_options)
def publish_checkpoint(
    folder: Path, options: CardOptions, output: Path | None, public: bool, dry_run: bool
) -> None:
    """A run's model, with its card, figures and records."""
    _publish_run(folder, options, output, public, dry_run, with_checkpoint=True)


@publish_app.command("card")
@with_options(card_options)
def publish_card(
    folder: Path, options: CardOptions, output: Path | None, public: bool, dry_run: bool
) -> None:
    """The card, figures and records alone, beside a checkpoint that was sent before."""
    _publish_run(folder, options, output, public, dry_run, with_checkpoint=False)


@publish_app.command("metric")
def publish_metric(
    name: Annotated[str, Argument(help="A metric of hf_apt, such as `apt`.")],
    repo: Annotated[
        str | None, Option(help="Repository to write, OWNER/NAME.", show_default="<you>/<name>")
    ] = None,
    public: Public = False,
    dry_run: DryRun = False,
) -> None:
    """A metric of hf_apt as a static Space, for `evaluate.load("OWNER/NAME")`."""
    from hf_apt.hub.client import client, repo_of, require_repo_name
    from hf_apt.hub.publication import metric_publication

    publication = metric_publication(name)
    if repo is None:
        repo = f"<you>/{name}" if dry_run else repo_of(client(), name)
    else:
        require_repo_name(repo, name)
    _send(repo, publication, public, dry_run)


@publish_app.command("space")
def publish_space(
    run: Annotated[Path, Argument(help="A finished run's folder.")],
    repo: Annotated[str, Option(help="Space to write, OWNER/NAME.")],
    public: Public = False,
    dry_run: DryRun = False,
    output: Annotated[
        Path | None,
        Option("--output", "-o", help="Write the Space into this folder, and send nothing."),
    ] = None,
) -> None:
    """A run's page, with its look-up of tokens, as a static Space."""
    from hf_apt.hub.card_folder import write_card
    from hf_apt.hub.space import space_publication
    from hf_apt.records.run import Run

    if output is not None:
        writes_into(output)
    publication = space_publication(Run(run), repo)
    _tell_of_text(Run(run))
    if output is None:
        _send(repo, publication, public, dry_run)
        return
    files = {name: each for name, each in publication.files.items() if isinstance(each, bytes)}
    write_card(output, files, "space")
    typer.echo(f"page: {output / 'index.html'}")


def _publish_run(
    folder: Path,
    options: CardOptions,
    output: Path | None,
    public: bool,
    dry_run: bool,
    *,
    with_checkpoint: bool,
) -> None:
    from hf_apt.hub.card import card_files
    from hf_apt.hub.card_folder import write_card
    from hf_apt.hub.publication import card_publication, checkpoint_publication
    from hf_apt.records.run import Run

    if output is not None:
        writes_into(output)
    run = Run(folder)
    card = card_files(run, options)
    if with_checkpoint:
        _tell_of_text(run)
    if output is None:
        publication = (checkpoint_publication if with_checkpoint else card_publication)(run, card)
        _send(options.repo, publication, public, dry_run)
        return
    write_card(output, card)
    typer.echo(f"card: {output / 'README.md'}")


def _tell_of_text(run: "Run") -> None:
    if run.path("sentences.json").exists() or run.path("contexts.json").exists():
        typer.echo(
            "the page shows pieces of the measured text, word for word: to leave them out, give "
            "the command that measured it again with --no-sentences."
        )


def _send(repo: str, publication: "Publication", public: bool, dry_run: bool) -> None:
    from hf_apt.hub.client import client, publish, token_in_use
    from hf_apt.hub.publication import require_no_secret

    api = client()
    sizes = publication.sizes()
    what = f"{len(sizes)} files, {sum(sizes.values()) / 1e6:.1f} MB"
    if dry_run:
        require_no_secret(publication, [token_in_use(api)])
        for name, size in sorted(sizes.items()):
            typer.echo(f"{size:>13,}  {name}")
        for path in publication.left_out:
            typer.echo(f"     left out  {path}")
        seen = "public" if public else "private"
        typer.echo(f"{what} to {repo} ({publication.repo_type}, {seen}); nothing was sent.")
        return
    typer.echo(f"sending what is new of {what} to {repo} …")
    done = publish(api, repo, publication, public=public)
    if not done.is_new:
        typer.echo("all of it was there already.")
    typer.echo(f"{'private' if done.is_private else 'public'}: {done.url}")
    typer.echo(f"revision: {done.revision}")
