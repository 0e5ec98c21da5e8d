"""Laws of licences: what the Hub would refuse is refused before anything is sent."""

import pytest

from hf_apt.hub.licenses import LICENSES, require_license


def test_the_hubs_identifiers_are_taken():
    for identifier in ("apache-2.0", "mit", "cc-by-sa-4.0", "openrail++", "lppl-1.3c", "other"):
        require_license(identifier)
    assert all(name == name.lower() and len(name.split()) == 1 for name in LICENSES)


@pytest.mark.parametrize(
    ("identifier", "similar"),
    [
        ("Apache 2.0", "apache-2.0"),
        ("MIT", "mit"),
        ("apache2", "apache-2.0"),
        ("", "apache-2.0"),
        ("mit\ntags: x", None),
    ],
)
def test_another_is_refused_with_one_that_is_like_it(identifier, similar):
    with pytest.raises(ValueError, match="knows no licence") as caught:
        require_license(identifier)
    said = str(caught.value)
    assert said.startswith(f"the Hub knows no licence {identifier!r}: give --license an ")
    assert similar is None or f"such as {similar}, or other" in said
    assert "https://huggingface.co/docs/hub/repositories-licenses" in said
    assert len(said.splitlines()) == 1
