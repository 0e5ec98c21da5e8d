"""The records that fine-tuning and committees leave in a run's folder, by task."""

from __future__ import annotations

import re
from typing import Any

from hf_apt.reading import read_json
from hf_apt.records.run_parts.files import RunFiles
from hf_apt.records.schemas import BLOCK_ACCURACY, COMMITTEE, in_present_form, is_of_kind


class RunTasks(RunFiles):
    """What a run's folder holds of each task."""

    def finetuned(self) -> dict[str, Any]:
        """The records of fine-tuning (`hf_apt.studies.block_accuracy`), not those of single seeds.

        Returns:
            A record for each task, by its name.

        Raises:
            ValueError: for a record of a version that cannot be read.
        """
        return self._by_task("", BLOCK_ACCURACY)

    def finetuned_on(self, task: str) -> Any:
        """The record of fine-tuning on one task (`hf_apt.studies.block_accuracy`).

        Args:
            task: name of the task.

        Returns:
            The content of `finetune/<task>.json`, in its present form.

        Raises:
            ValueError: if there is none, or none of a version that can be read.
        """
        name = self.finetuned_name(task)
        return in_present_form(self.read_json(name), BLOCK_ACCURACY, self.path(name))

    def committees(self) -> dict[str, Any]:
        """The records of committees (`hf_apt.studies.committee`).

        Returns:
            A record for each task, by its name.

        Raises:
            ValueError: for a record of a version that cannot be read.
        """
        return self._by_task("-committee", COMMITTEE)

    def finetuned_name(self, task: str) -> str:
        """The name of the file that holds a task's record of fine-tuning.

        Args:
            task: name of the task.

        Returns:
            The name below the run's folder.
        """
        return f"finetune/{task}.json"

    def _by_task(self, ending: str, schema: str) -> dict[str, Any]:
        records = {}
        for path in sorted(self.path("finetune").glob("*.json")):
            name = re.fullmatch(rf"(\w+){ending}\.json", path.name)
            record = read_json(path) if name else {}
            if name and is_of_kind(record, schema):
                records[name[1]] = in_present_form(record, schema, path)
        return records
