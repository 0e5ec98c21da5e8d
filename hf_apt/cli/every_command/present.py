"""Whether the files that a command names are there, before anything heavy is imported."""

from __future__ import annotations


def require_present(
    *, checkpoints: tuple[str | None, ...] = (), text: str | None = None, rows: str | None = None
) -> None:
    """Raise ValueError for a checkpoint, a text or a table that can only be a path and is none.

    Hub ids and shipped names are looked up later.
    """
    from hf_apt.data.local_files import local_files
    from hf_apt.records.checkpoints import require_folder

    for checkpoint in checkpoints:
        if checkpoint is not None:
            require_folder(checkpoint)
    if text is not None and text not in ("planted", "sotu"):
        from hf_apt.data.text_formats import BUILDERS

        local_files(text, BUILDERS)
    if rows is not None:
        from hf_apt.data.tasks.rows import SUFFIXES

        local_files(rows, SUFFIXES)
