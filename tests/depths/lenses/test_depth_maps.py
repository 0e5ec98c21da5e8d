"""Laws of the maps of a lens: an affine map a depth, none after the last block, one model alone."""

import numpy as np
import pytest
import torch

from hf_apt.depths.lenses.depth_maps import DepthMaps
from hf_apt.models.weights_digest import model_digest


@pytest.fixture
def maps(tiny_model) -> DepthMaps:
    weights_DHH, biases_DH = torch.randn(3, 16, 16), torch.randn(3, 16)
    return DepthMaps("jacobian", weights_DHH, biases_DH, model_digest(tiny_model), 7)


def test_each_depth_has_its_own_map_but_the_last(maps) -> None:
    hidden_DNH = torch.randn(3, 5, 16)
    carried_DNH = maps.carry(hidden_DNH).numpy()
    for depth in (0, 1):
        weights, bias = maps.weights_DHH[depth].numpy(), maps.biases_DH[depth].numpy()
        expected_NH = hidden_DNH[depth].numpy() @ weights.T + bias
        np.testing.assert_allclose(carried_DNH[depth], expected_NH, rtol=1e-4, atol=1e-5)
    assert np.array_equal(carried_DNH[2], hidden_DNH[2].numpy())


def test_it_is_saved_and_loaded_to_the_bit(maps, tiny_model, tmp_path) -> None:
    path = tmp_path / "lens.safetensors"
    maps.save(path)
    first = path.read_bytes()
    loaded = DepthMaps.load(path, tiny_model)
    assert torch.equal(loaded.weights_DHH, maps.weights_DHH)
    assert torch.equal(loaded.biases_DH, maps.biases_DH)
    assert (loaded.kind, loaded.model, loaded.num_positions) == ("jacobian", maps.model, 7)
    with pytest.raises(ValueError, match="lens.safetensors is there already"):
        maps.save(path)
    maps.save(tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == first


def test_it_is_refused_for_another_model(maps, tiny_model, tmp_path) -> None:
    maps.save(tmp_path / "lens.safetensors")
    with torch.no_grad():
        next(tiny_model.parameters()).view(-1)[0] += 1
    with pytest.raises(
        ValueError, match="lens.safetensors: the jacobian lens was made for another"
    ):
        DepthMaps.load(tmp_path / "lens.safetensors", tiny_model)


def test_a_file_that_is_missing_broken_or_changed_is_refused(maps, tiny_model, tmp_path) -> None:
    path = tmp_path / "lens.safetensors"
    with pytest.raises(ValueError, match="holds no lens"):
        DepthMaps.load(path, tiny_model)
    maps.save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    with pytest.raises(ValueError, match="holds no lens"):
        DepthMaps.load(path, tiny_model)
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(ValueError, match="it was changed"):
        DepthMaps.load(path, tiny_model)


@pytest.mark.parametrize("shape", [(2, 5, 16), (3, 5, 8), (3, 16)])
def test_states_of_another_shape_are_refused(maps, shape) -> None:
    with pytest.raises(ValueError, match="not those of the 3 depths of 16"):
        maps.carry(torch.zeros(shape))


def test_maps_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(ValueError, match="one affine map a depth"):
        DepthMaps("jacobian", torch.zeros(3, 4, 4), torch.zeros(2, 4), "", 1)
