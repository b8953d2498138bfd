"""Checks of the physics and of the network against theory: python3 -m limpid_training check"""

import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch

from limpid_training import ct_simulator as ct
from limpid_training import mr_simulator as mr
from limpid_training import dicom_objects, noise_estimate, phantoms, pools, quality
from limpid_training.export import TOLERANCE, export
from limpid_training.fields import mean_blocks
from limpid_training.network import Ffdr, parameter_count
from limpid_training.patches import draw_batch
from limpid_training.volumes import smooth_volume


def _distance(n: int) -> np.ndarray:
    axis = np.arange(n) - (n - 1) / 2
    return np.hypot(axis[:, None], axis[None])


class CtPhysics(unittest.TestCase):
    def test_a_disc_comes_back_with_its_value(self) -> None:
        disc = np.where(_distance(256) < 80, 0.02, 0).astype(np.float32)
        image = ct.backproject(ct.project(disc, 360, 368), 256)
        self.assertAlmostEqual(image[_distance(256) < 60].mean(), 0.02, delta=0.0003)
        self.assertAlmostEqual(image[(_distance(256) > 95) & (_distance(256) < 120)].mean(), 0, delta=0.0003)

    def test_white_sinogram_noise_gives_pi_over_root_12_views(self) -> None:
        rng = np.random.default_rng(1)
        for views in (180, 360):
            image = ct.backproject(rng.standard_normal((views, 368)).astype(np.float32), 256)
            theory = np.pi / np.sqrt(12 * views)
            self.assertAlmostEqual(image[64:192, 64:192].std() / theory, 1, delta=0.04)

    def test_noise_falls_with_the_root_of_the_photons(self) -> None:
        water = np.where(_distance(256) < 100, 0.0, -1000.0)
        deviation = {}
        for photons in (4e5, 1.6e6):
            scan = ct.Scan(pixel_mm=1.4, photons=photons, views=240, electronic=0)
            noise = ct.Kernel(0.25).apply(ct.scan_noise(np.random.default_rng(2), water, scan))
            deviation[photons] = noise[98:158, 98:158].std()
        self.assertAlmostEqual(deviation[4e5] / deviation[1.6e6], 2, delta=0.2)

    def test_noise_added_for_a_quarter_of_the_dose_completes_the_full_scan(self) -> None:
        water = np.where(_distance(256) < 100, 0.0, -1000.0)
        full = ct.Scan(pixel_mm=1.4, photons=2e6, views=240, electronic=5)
        quarter = ct.Scan(pixel_mm=1.4, photons=5e5, views=240, electronic=5)
        centre = (slice(98, 158), slice(98, 158))
        own = ct.scan_noise(np.random.default_rng(3), water, full)[centre].std()
        added = ct.added_noise(np.random.default_rng(4), water, full, 0.25)[centre].std()
        direct = ct.scan_noise(np.random.default_rng(5), water, quarter)[centre].std()
        self.assertAlmostEqual(np.hypot(own, added) / direct, 1, delta=0.08)

    def test_a_kernel_halves_its_frequency(self) -> None:
        n = 256
        for half in (32 / n, 80 / n):
            wave = np.cos(2 * np.pi * half * np.arange(n))[None] * np.ones((n, 1))
            self.assertAlmostEqual(ct.Kernel(half).apply(wave).std() / wave.std(), 0.5, delta=1e-3)


class MrPhysics(unittest.TestCase):
    def test_the_mean_of_air_is_rayleigh(self) -> None:
        how = mr.Acquisition(r=1, zero_filling=1, sigma=0.05)
        air = []
        for seed in range(40):
            noisy = mr.simulate(np.random.default_rng(seed), np.zeros((64, 64)), how)
            air.append(noisy.noisy.mean() / noisy.sigma.mean())
        self.assertAlmostEqual(np.mean(air), np.sqrt(np.pi / 2), delta=0.03)

    def test_a_signal_of_one_sigma_has_the_rician_mean(self) -> None:
        rng = np.random.default_rng(6)
        image = np.abs(1 + mr.complex_noise(rng, (512, 512)))
        # Mean of a Rice distribution with signal = sigma = 1: sqrt(pi/2) L(1/2)(-1/2) = 1.5486.
        self.assertAlmostEqual(image.mean(), 1.5486, delta=0.005)

    def test_unfolding_without_noise_gives_the_object_back(self) -> None:
        rng = np.random.default_rng(7)
        maps = mr.coil_sensitivities(rng, 48, 8)
        image = (rng.random((48, 48)) * np.exp(1j * rng.random((48, 48)))).astype(np.complex64)
        unfolded = mr.sense_unfold(mr.fold(maps * image, 2), maps, 2, 1e-7)
        self.assertLess(np.abs(unfolded - image).max(), 1e-2)

    def test_unfolded_noise_has_the_deviation_of_the_g_factor(self) -> None:
        rng = np.random.default_rng(8)
        maps = mr.coil_sensitivities(rng, 32, 8)
        for r in (2, 4):
            theory = mr.sense_noise(maps, r)
            samples = [
                mr.sense_unfold(mr.complex_noise(rng, (8, 32 // r, 32)), maps, r, 0.0).real for _ in range(300)
            ]
            ratio = np.std(samples, axis=0) / theory
            self.assertAlmostEqual(float(ratio.mean()), 1, delta=0.02)
            self.assertLess(float(ratio.std()), 0.06)
            self.assertGreater(theory.max(), theory.min() * 1.05)

    def test_the_target_is_not_sharper_than_the_input(self) -> None:
        clean = phantoms.mr_clean(np.random.default_rng(9))
        how = mr.Acquisition(r=2, zero_filling=2, sigma=1e-6)
        pair = mr.simulate(np.random.default_rng(10), clean, how)
        # Only the wrong sensitivities remain between them: no resolution is asked of the network.
        self.assertLess(np.sqrt(((pair.noisy - pair.target) ** 2).mean()), 0.03 * pair.target.max())


class Material(unittest.TestCase):
    def test_a_part_depends_on_its_seed_alone(self) -> None:
        first, second = (pools.mr_part(np.random.default_rng([3, 1]), 2) for _ in range(2))
        for name in first:
            np.testing.assert_array_equal(first[name], second[name])

    def test_the_stored_deviation_is_that_of_the_noise(self) -> None:
        noise = np.random.default_rng(11).standard_normal((512, 512)).astype(np.float32) * 3
        self.assertAlmostEqual(float(pools.local_sigma(noise).mean()), 3, delta=0.05)

    def test_a_patch_carries_the_noise_that_its_map_says(self) -> None:
        part = pools.ct_part(np.random.default_rng(12), 1)
        batch = draw_batch(np.random.default_rng(13), part, 32)
        error = (batch.x[:, 0] - batch.target[:, 0]).numpy()
        ratio = error.std((1, 2)) / batch.x[:, 1].numpy().mean((1, 2))
        self.assertAlmostEqual(float(np.exp(np.log(ratio).mean())), 1, delta=0.1)

    def test_blocks_keep_the_mean(self) -> None:
        image = np.arange(16.0).reshape(4, 4)
        np.testing.assert_allclose(mean_blocks(image, 2), [[2.5, 4.5], [10.5, 12.5]])


class Evaluation(unittest.TestCase):
    def test_the_noise_estimate_is_right_on_plateaus_with_edges(self) -> None:
        rng = np.random.default_rng(14)
        clean = np.where(_distance(256) < 70, 60.0, 30.0)
        sinogram = rng.standard_normal((360, 368)).astype(np.float32)
        noise = ct.Kernel(0.25).apply(ct.backproject(sinogram, 256))
        noisy = clean + noise * (12 / noise.std())
        mask = noise_estimate.soft_tissue(noisy)
        self.assertAlmostEqual(noise_estimate.sigma_mode(noisy, mask) / 12, 1, delta=0.08)
        sigma = noise_estimate.noise_map(noisy, mask, 12, 2.0)
        self.assertLess(np.abs(sigma / 12 - 1).max(), 0.25)

    def test_the_noise_of_rayleigh_air_is_found(self) -> None:
        rng = np.random.default_rng(15)
        magnitude = np.abs(np.where(_distance(256) < 80, 500.0, 0.0) + 20 * mr.complex_noise(rng, (256, 256)))
        foreground = noise_estimate.mr_foreground(magnitude)
        self.assertAlmostEqual(noise_estimate.sigma_mr(magnitude, foreground) / 20, 1, delta=0.03)

    def test_no_pixel_moves_further_than_three_sigma(self) -> None:
        image, output = np.zeros((8, 8)), np.full((8, 8), -100.0)
        output[0, 0] = 50
        blended = quality.blend(image, output, 1.0, np.full((8, 8), 10.0), image == 0)
        self.assertLessEqual(np.ptp(blended), 60)
        self.assertAlmostEqual(float(blended.mean()), 0, places=9)

    def test_psnr_of_a_known_error(self) -> None:
        self.assertAlmostEqual(quality.psnr(np.full((4, 4), 4.0), np.zeros((4, 4)), (0, 400)), 40, places=6)


class Demo(unittest.TestCase):
    def test_uids_are_valid_and_depend_on_their_words(self) -> None:
        uid = dicom_objects.uid("chest", "input", "instance 0")
        self.assertRegex(uid, r"^2\.25\.[1-9][0-9]{1,38}$")
        self.assertEqual(uid, dicom_objects.uid("chest", "input", "instance 0"))
        self.assertNotEqual(uid, dicom_objects.uid("chest", "input", "instance 1"))

    def test_pixels_of_an_object_come_back_in_hu(self) -> None:
        hu = np.linspace(-1100, 3200, 64 * 64).reshape(1, 64, 64)
        series = dicom_objects.Series("chest", "input", 2, "test", "090000", hu, np.zeros(1), 0.7, 3.0)
        ds = dicom_objects.ct_object(series, 0, 12)
        stored = np.frombuffer(ds.PixelData, "<u2").reshape(64, 64)
        back = stored * float(ds.RescaleSlope) + float(ds.RescaleIntercept)
        np.testing.assert_allclose(back, np.clip(hu[0], -1024, 3071), atol=0.51)

    def test_neighbouring_layers_of_a_field_belong_together(self) -> None:
        field = smooth_volume(np.random.default_rng(16), (16, 64, 64), (1.0, 1.0, 1.0), 4.0)
        self.assertGreater(np.corrcoef(field[4].ravel(), field[5].ravel())[0, 1], 0.9)


class Network(unittest.TestCase):
    def test_size(self) -> None:
        self.assertEqual(parameter_count(Ffdr()), 171_072)

    def test_scaling_image_and_noise_scales_the_result(self) -> None:
        torch.manual_seed(0)
        network, x = Ffdr(), torch.rand(1, 2, 32, 32)
        with torch.no_grad():
            torch.testing.assert_close(network(7 * x), 7 * network(x))

    def test_the_exported_file_is_the_network(self) -> None:
        torch.manual_seed(1)
        with tempfile.TemporaryDirectory() as folder:
            self.assertLessEqual(export(Ffdr(), Path(folder) / "model.onnx"), TOLERANCE)
