"""Whether the files that a command names are there, before anything heavy is imported."""

from __future__ import annotations


def require_present(
    *, checkpoints: tuple[str | None, ...] = (), text: str | None = None, rows: str | None = None
) -> None:
    """Raise ValueError for a checkpoint, a text or a table that can only be a path and is none.

    Hub ids and shipped names are looked up later. A text on the Hub has an owner: a word alone that
    is no file here was more often meant for something else, such as a value of a flag.
    """
    from hf_apt.data.local_files import local_files
    from hf_apt.records.checkpoints import require_folder

    for checkpoint in checkpoints:
        if checkpoint is not None:
            require_folder(checkpoint)
    if text is not None and text not in ("planted", "sotu"):
        from hf_apt.data.text_formats import BUILDERS

        if local_files(text, BUILDERS) is None and "/" not in text:
            raise ValueError(
                f"there is no text {text!r}: it is no file or folder here, and a data set of the "
                "Hub is named OWNER/NAME (flags such as --dry-run take no value)."
            )
    if rows is not None:
        from hf_apt.data.tasks.rows import SUFFIXES

        local_files(rows, SUFFIXES)
