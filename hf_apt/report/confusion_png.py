"""The confusion picture as a PNG, for pages that show no script and no SVG: model cards."""

from __future__ import annotations

import io

from hf_apt.records.run_records import RunRecords
from hf_apt.report.confusions.picture_tokens import picture_tokens
from hf_apt.report.formats import depth_labels, shown_token
from hf_apt.report.lookup import Numbering
from hf_apt.stats.clusters import HEADLINE
from hf_apt.stats.pictures.confusion_picture import confusion_picture


def confusion_png(records: RunRecords, readout: str) -> bytes:
    """Who was mistaken for whom: the same tokens at the embeddings, half-way and the last block.

    The tokens are those of clusters at the last depth, by `HEADLINE`, outlined there, chosen by
    `picture_tokens`. The same run gives the same bytes.
    """
    analysis = records.analysis(readout)
    last = analysis.counts.num_depths - 1
    definition, threshold = HEADLINE
    groups = analysis.clusters(last, threshold, definition).members
    support_V = analysis.support_V
    asked = Numbering(support_V).asked.tolist()
    tokens, lengths = picture_tokens(analysis.table(last).matrix, groups, asked)
    labels = depth_labels(records.summary)
    depths = sorted({0, (last + 1) // 2, last})
    figure = confusion_picture(
        [analysis.counts.at(depth) for depth in depths],
        [labels[depth] for depth in depths],
        tokens,
        [shown_token(records.vocabulary[token]) for token in tokens],
        lengths,
    )
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150, facecolor="white", metadata={"Software": None})
    return buffer.getvalue()
