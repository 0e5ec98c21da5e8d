"""The options that say on which texts to fine-tune and how: of every command that does."""

from hf_apt.cli.dataclass_options import Flag, in_panel
from hf_apt.cli.objectives import objectives_of
from hf_apt.cli.spelling.losses import loss_of
from hf_apt.cli.spelling.methods import methods_of
from hf_apt.data.tasks.known_tasks import KNOWN_TASKS

TASK = in_panel(
    "Task",
    Flag("task.name", "--task", default="planted", more=f"Known are {', '.join(KNOWN_TASKS)}."),
    "task.data",
    "task.text_column",
    "task.label_column",
    "task.encoding",
    Flag("task.train_per_class", min=1),
    Flag("task.test_per_class", min=1),
    Flag("task.imbalance", min=1),
    Flag("task.label_noise", min=0, max=1),
    "task.entity_markers",
)

FINETUNING = in_panel(
    "Training",
    Flag("finetune.num_epochs", "--epochs", min=0),
    Flag("finetune.batch_size", min=1),
    "finetune.learning_rate",
    "finetune.group_by_length",
    Flag("finetune.sequence_length", min=8),
    Flag("finetune.lora_rank", min=0),
    Flag("finetune.dropout", min=0, max=1),
    "finetune.seed",
    "finetune.precision",
    Flag("finetune.objectives", "--objective", read=objectives_of, metavar="name:key=value"),
    Flag("finetune.methods", "--method", read=methods_of, metavar="name:key=value"),
    Flag("finetune.loss", "--loss", parse=loss_of, metavar="name:key=value"),
    Flag("num_seeds", "--seeds", min=1),
)
