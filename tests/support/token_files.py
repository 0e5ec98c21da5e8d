"""Files of token ids: as datatrove's own stage writes them, and by hand, faults and all."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np


def write_ds(
    path: Path,
    documents: Sequence[Sequence[int]],
    *,
    size: int = 2,
    made_by: str = "Unknown Tokenizer",
) -> Path:
    """A `.ds` file with its index and metadata."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ids = np.concatenate([np.asarray(each, np.int64) for each in documents])
    path.write_bytes(ids.astype(f"<u{size}").tobytes())
    ends = np.cumsum([len(each) for each in documents])
    path.with_name(f"{path.name}.index").write_bytes(ends.astype("<u8").tobytes())
    path.with_name(f"{path.name}.metadata").write_text(f"{made_by}|{size}\n{len(ids)}\n0 T")
    return path


def tokenised_by_datatrove(
    folder: Path, parts: Sequence[Sequence[str]], tokenizer: Any, aside: Path, **options: Any
) -> Path:
    """What datatrove's local executor makes of `parts`, the texts of one task each."""
    from datatrove.data import Document
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.tokens import DocumentTokenizer

    def read(_, rank: int = 0, world_size: int = 1):
        assert world_size == len(parts)
        yield from (Document(text, f"{rank}-{at}") for at, text in enumerate(parts[rank]))

    tokenizer.save_pretrained(aside / "tokenizer")
    stage = DocumentTokenizer(
        str(folder),
        str(aside / "tokenizer/tokenizer.json"),
        **{"shuffle_documents": False} | options,
    )
    LocalPipelineExecutor(
        [read, stage],
        tasks=len(parts),
        workers=1,
        logging_dir=str(aside / f"logs-{options.get('save_filename')}"),
    ).run()
    return folder
