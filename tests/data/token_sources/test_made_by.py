"""Laws of the tokenizer that is named: it is the one that made the ids, or there is a sentence."""

import warnings
from pathlib import Path

import pytest
from token_files import write_ds

from hf_apt.data.token_sources.datatrove_files import open_token_file
from hf_apt.data.token_sources.made_by import require_made_by, require_one_tokenizer
from hf_apt.data.tokenizer import SPECIAL_TOKENS, vocabulary_tokenizer


def file_of(folder: Path, made_by: str, name: str = "a", size: int = 2):
    return open_token_file(write_ds(folder / f"{name}.ds", [[7, 8]], size=size, made_by=made_by))


def saved(tokenizer, folder: Path) -> Path:
    tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("below", ["", "tokenizer.json"])
def test_the_same_tokenizer_under_another_name_is_the_same(tmp_path, tokenizer, below):
    path = saved(tokenizer, tmp_path / "tokenizer") / below
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        require_made_by([file_of(tmp_path, str(path))], tokenizer, "mine")


@pytest.mark.parametrize("below", ["", "tokenizer.json"])
def test_another_tokenizer_is_refused(tmp_path, tokenizer, below):
    words = list(reversed([f"w{number}" for number in range(60)]))
    other = vocabulary_tokenizer([*SPECIAL_TOKENS, *words])
    path = saved(other, tmp_path / "other") / below
    with pytest.raises(ValueError, match=r"a\.ds was made by the tokenizer .*other.* and mine is"):
        require_made_by([file_of(tmp_path, str(path))], tokenizer, "mine")


def test_other_rules_over_the_same_vocabulary_are_another_tokenizer(tmp_path, tokenizer):
    from transformers import BertTokenizer

    cased = BertTokenizer(vocab=tokenizer.get_vocab(), do_lower_case=False)
    path = saved(cased, tmp_path / "cased") / "tokenizer.json"
    with pytest.raises(ValueError, match="mine is another one"):
        require_made_by([file_of(tmp_path, str(path))], tokenizer, "mine")


class InPython:
    """A tokenizer that is no Rust one, with the ids of `tokenizer`."""

    def __init__(self, tokenizer):
        self.get_vocab = tokenizer.get_vocab

    def __len__(self):
        return len(self.get_vocab())


def test_of_a_tokenizer_in_plain_python_the_ids_are_compared(tmp_path, tokenizer):
    path = saved(tokenizer, tmp_path / "tokenizer")
    require_made_by([file_of(tmp_path, str(path))], InPython(tokenizer), "mine")
    other = vocabulary_tokenizer([*SPECIAL_TOKENS, *(f"w{number}" for number in range(59, -1, -1))])
    with pytest.raises(ValueError, match="mine is another one"):
        require_made_by([file_of(tmp_path, str(path))], InPython(other), "mine")


def test_one_that_cannot_be_read_is_taken_on_trust_with_a_warning(tmp_path, tokenizer):
    file = file_of(tmp_path, "/cluster/tokenizer.json")
    with pytest.warns(UserWarning, match=r"/cluster/tokenizer\.json made it, which cannot be read"):
        require_made_by([file], tokenizer, "mine")


def test_a_file_that_is_no_tokenizer_is_taken_on_trust_with_a_warning(tmp_path, tokenizer):
    (tmp_path / "tokenizer.json").write_text("{}")
    file = file_of(tmp_path, str(tmp_path / "tokenizer.json"))
    with pytest.warns(UserWarning, match="it is no tokenizer"):
        require_made_by([file], tokenizer, "mine")


@pytest.mark.parametrize("made_by", ["mine", "Unknown Tokenizer"])
def test_the_same_name_and_none_are_taken_without_a_word(tmp_path, tokenizer, made_by):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        require_made_by([file_of(tmp_path, made_by)], tokenizer, "mine")


def test_bytes_of_an_id_tell_the_size_of_the_vocabulary(tmp_path, tokenizer):
    file = file_of(tmp_path, "mine", size=4)
    with pytest.raises(ValueError, match=r"ids of 4 bytes, and those of .* mine, 65 ids, take 2"):
        require_made_by([file], tokenizer, "mine")


def test_files_of_two_tokenizers_are_refused(tmp_path):
    first = file_of(tmp_path, "one")
    with pytest.raises(ValueError, match=r"a\.ds was made by the tokenizer one and .*b\.ds by two"):
        require_one_tokenizer([first, file_of(tmp_path, "two", "b")])
    with pytest.raises(ValueError, match=r"a\.ds has ids of 2 bytes and .*b\.ds of 4"):
        require_one_tokenizer([first, file_of(tmp_path, "one", "b", 4)])
    require_one_tokenizer([first, file_of(tmp_path, "one", "b")])
