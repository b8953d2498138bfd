"""Checks of networks, training, evaluation and the demo's objects: python3 -m limpid_training check"""

import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch

from limpid_training import augment, compress, dicom_objects, idle_channels, model_folder, noise_estimate, patches, pools, quality, train, variants, yardsticks
from limpid_training import ct_simulator as ct
from limpid_training import mr_simulator as mr
from limpid_training.export import TOLERANCE, export, load_weights
from limpid_training.network import Ffdr, parameter_count, widened
from limpid_training.volumes import smooth_volume


def _distance(n: int) -> np.ndarray:
    axis = np.arange(n) - (n - 1) / 2
    return np.hypot(axis[:, None], axis[None])


class Training(unittest.TestCase):
    def test_the_loss_tells_bias_from_noise(self) -> None:
        rng = np.random.default_rng(25)
        noise = torch.from_numpy(rng.normal(0, 0.1, (2, 1, 300, 300)).astype(np.float32))
        value = float(train.bias_and_noise(noise + 0.2, noise_share=0.3))
        self.assertAlmostEqual(value, 0.2**2 + 0.3 * 0.1**2, delta=1e-3)

    def test_augmentations_leave_the_noise_as_it_is(self) -> None:
        pool = pools.us_part(np.random.default_rng(26), 4)
        batch = patches.draw_batch(np.random.default_rng(27), pool)
        for change in (augment.mixup, augment.cutmix, augment.elastic, augment.intensity):
            changed = change(np.random.default_rng(28), batch)
            self.assertFalse(torch.equal(changed.target, batch.target), change.__name__)
            torch.testing.assert_close(changed.x[:, :1] - changed.target, batch.x[:, :1] - batch.target, atol=1e-5, rtol=0)
            first, second = changed.target.chunk(2)
            torch.testing.assert_close(first, second)

    def test_stacks_bring_their_neighbours(self) -> None:
        pool = pools.ct_stack_part(np.random.default_rng(29), 1)
        batch = patches.draw_batch(np.random.default_rng(30), pool, 4, neighbours=True)
        self.assertEqual(tuple(batch.x.shape), (8, 4, patches.PATCH, patches.PATCH))
        # Neighbours show almost the same anatomy under other noise.
        self.assertLess(float((batch.x[:, 2] - batch.target[:, 0]).abs().mean()), 0.3)
        self.assertGreater(float((batch.x[:, 2] - batch.x[:, 0]).abs().mean()), 0)

    def test_mr_stacks_bring_their_neighbours(self) -> None:
        pool = pools.mr_stack_part(np.random.default_rng(38), 1)
        batch = patches.draw_batch(np.random.default_rng(39), pool, 8, neighbours=True)
        self.assertEqual(tuple(batch.x.shape), (16, 4, patches.PATCH, patches.PATCH))
        beside = (batch.x[:, 2] - batch.x[:, 0]).abs().mean((1, 2))
        self.assertLess(float(beside.median()), 0.3)
        self.assertGreater(float(beside.max()), 0)

    def test_a_slice_stands_in_for_neighbours_that_are_missing(self) -> None:
        stacks, single = pools.ct_stack_part(np.random.default_rng(31), 1), pools.ct_part(np.random.default_rng(32), 1)
        x = patches.draw_batch(np.random.default_rng(33), stacks, 60, neighbours=True, side=16, single=single).x[:60]
        missing = [(x[:, plane] == x[:, 0]).flatten(1).all(1) for plane in (2, 3)]
        both = float((missing[0] & missing[1]).float().mean())
        self.assertAlmostEqual(both, patches.SINGLE_SHARE, delta=0.15)
        one = float((missing[0] ^ missing[1]).float().mean())
        self.assertTrue(0 < one < 0.25, one)

    def test_a_widened_network_takes_what_all_slices_show_as_before(self) -> None:
        torch.manual_seed(34)
        network, x = Ffdr(32, 4), torch.rand(1, 2, 32, 32)
        wide = widened(network, 4)
        torch.testing.assert_close(wide(torch.cat([x, x[:, :1], x[:, :1]], dim=1)), network(x), atol=1e-5, rtol=1e-4)
        other = wide(torch.cat([x, torch.rand(1, 2, 32, 32)], dim=1))
        self.assertGreater(float((other - network(x)).abs().max()), 0.01)
        torch.testing.assert_close(widened(wide, 4)(torch.cat([x, x], dim=1)), wide(torch.cat([x, x], dim=1)))

    def test_quantised_weights_lie_on_their_grid(self) -> None:
        torch.manual_seed(2)
        network = compress.Quantised(Ffdr(32, 4))
        with torch.no_grad():
            plain, quantised = Ffdr.forward(network, torch.rand(1, 2, 32, 32)), None
            network.eval()
            quantised = network(torch.rand(1, 2, 32, 32))
        self.assertEqual(plain.shape, quantised.shape)
        step = network.body[0].steps()[1]
        levels = network.body[0].layer.weight.detach() / step
        self.assertLessEqual(float(levels.abs().max()), 127.001)

    def test_pruning_takes_the_smallest_weights(self) -> None:
        network = Ffdr(32, 4)
        before = network.body[0].weight.detach().abs().clone()
        compress.prune(network, 0.5)
        gone = network.body[0].weight == 0
        self.assertAlmostEqual(float(gone.float().mean()), 0.5, delta=0.01)
        self.assertLessEqual(float(before[gone].max()), float(before[~gone].min()))

    def test_every_design_keeps_the_scale_and_the_size(self) -> None:
        x = torch.rand(1, 2, 32, 32)
        for make in (
            variants.Pooled, variants.Excited, variants.Attending, yardsticks.red_cnn, yardsticks.unet,
            yardsticks.dncnn, yardsticks.srcnn, yardsticks.edsr, yardsticks.srresnet,
        ):  # fmt: skip
            torch.manual_seed(3)
            network = make()
            with torch.no_grad():
                torch.testing.assert_close(network(5 * x), 5 * network(x), atol=1e-4, rtol=1e-4)

    def test_arithmetic_is_counted(self) -> None:
        # Head 2 x 2 x 36 x 48, eight of 2 x 9 x 48 x 48, tail 2 x 9 x 48 x 4 for each pixel at half resolution.
        per_pixel = 2 * 36 * 2 * 48 + 8 * 2 * 9 * 48 * 48 + 2 * 9 * 48 * 4
        self.assertAlmostEqual(variants.gflop(Ffdr()), per_pixel * 256 * 256 / 1e9, delta=1e-6)


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

    def test_the_file_gives_its_weights_back(self) -> None:
        torch.manual_seed(2)
        network = Ffdr(32, 6, inner=(16, 32))
        with tempfile.TemporaryDirectory() as folder:
            export(network, Path(folder) / "model.onnx")
            back = load_weights(Path(folder) / "model.onnx").state_dict()
        self.assertEqual(list(back), list(network.state_dict()))
        for name, value in network.state_dict().items():
            torch.testing.assert_close(back[name], value, rtol=0, atol=0)

    def test_channels_that_nothing_gets_past_are_left_out_and_no_others(self) -> None:
        torch.manual_seed(3)
        network = Ffdr(32, 6).eval()
        idle = torch.arange(32) % 2 == 1
        with torch.no_grad():
            network.body[0].weight[idle] = -network.body[0].weight[idle].abs()
        x = torch.rand(2, 2, 32, 32)
        most = idle_channels.strongest(network, [x])
        self.assertTrue(bool((most[0][idle] == 0).all()))
        smaller = idle_channels.without(network, most, 0.0)
        self.assertEqual([layer.out_channels for layer in smaller.body], [16, 32, 32, 32])
        self.assertLess(idle_channels.difference(network, smaller, [x]), 1e-6)
        self.assertGreater(idle_channels.difference(network, idle_channels.without(network, most, 1.0), [x]), 1e-3)


class Evaluation(unittest.TestCase):
    def test_the_noise_estimate_is_right_on_plateaus_with_edges(self) -> None:
        rng = np.random.default_rng(14)
        clean = np.where(_distance(256) < 70, 60.0, 30.0)
        sinogram = rng.standard_normal((360, 368)).astype(np.float32)
        noise = ct.Kernel(0.25).apply(ct.backproject(sinogram, 256))
        noisy = clean + noise * (12 / noise.std())
        mask = noise_estimate.soft_tissue(noisy)
        self.assertAlmostEqual(noise_estimate.sigma_mode(noisy, mask) / 12, 1, delta=0.08)
        sigma = noise_estimate.noise_map(noisy, mask, 12)
        self.assertLess(np.abs(sigma / 12 - 1).max(), 0.25)

    def test_noise_is_compared_in_the_same_windows(self) -> None:
        rng = np.random.default_rng(5)
        grain, loud = rng.standard_normal((256, 256)), np.arange(256) < 0.66 * 256
        before, after = grain * np.where(loud, 20, 10), grain * np.where(loud, 10, 3.3)
        everywhere = np.ones(grain.shape, bool)
        ratio, jumps = (
            of(after) / of(before)
            for of in (
                lambda image: noise_estimate.sigma_in_windows(image, before, everywhere),
                lambda image: noise_estimate.sigma_mode(image, everywhere),
            )
        )
        self.assertAlmostEqual(ratio, 0.5, delta=0.015)
        self.assertLess(jumps, 0.2)

    def test_the_noise_of_rayleigh_air_is_found(self) -> None:
        rng = np.random.default_rng(15)
        magnitude = np.abs(np.where(_distance(256) < 80, 500.0, 0.0) + 20 * mr.complex_noise(rng, (256, 256)))
        foreground = noise_estimate.mr_foreground(magnitude)
        self.assertAlmostEqual(noise_estimate.sigma_mr(magnitude, foreground) / 20, 1, delta=0.03)

    def test_no_pixel_moves_further_than_three_sigma(self) -> None:
        image, output = np.zeros((64, 64)), np.full((64, 64), -100.0)
        output[0, 0] = 50
        blended = quality.blend(image, output, 1.0, np.full((64, 64), 10.0), image == 0)
        self.assertLessEqual(np.ptp(blended), 60)
        self.assertAlmostEqual(float(blended.mean()), 0, places=9)

    def test_the_noise_of_starved_rays_is_followed_within_tiles(self) -> None:
        rng = np.random.default_rng(36)
        noise = ct.Kernel(0.25).apply(rng.standard_normal((256, 256)))
        levels = np.full((256, 1), 20.0)
        levels[104:152] = 70
        image = 40 + levels * noise / noise.std()
        _, sigma = noise_estimate.ct_tissue_and_noise(image)
        self.assertAlmostEqual(float(sigma[128, 60:196].mean()) / 70, 1, delta=0.12)
        self.assertAlmostEqual(float(sigma[60, 60:196].mean()) / 20, 1, delta=0.15)

    def test_more_goes_where_noise_is_loud(self) -> None:
        noise, rule, tissue = np.full((128, 128), 10.0), model_folder.Loud(2.0, 0.875), np.ones((128, 128), bool)
        noise[:32], noise[32:40] = 30.0, 200.0
        noise[80:96, :64] = 30.0  # 6 % of the tissue: line pairs look so
        shares = rule.shares(0.5, noise, 10.0, tissue)
        np.testing.assert_allclose(shares[:40:8, 5], [0.75, 0.75, 0.75, 0.75, 0.875])
        np.testing.assert_allclose(shares[40:], 0.5)
        np.testing.assert_allclose(rule.shares(0.9, noise, 10.0, tissue), 0.9)
        np.testing.assert_allclose(rule.shares(0.0, noise, 10.0, tissue), 0)

    def test_psnr_of_a_known_error(self) -> None:
        self.assertAlmostEqual(quality.psnr(np.full((4, 4), 4.0), np.zeros((4, 4)), (0, 400)), 40, places=6)

    def test_what_noise_does_not_explain_stays(self) -> None:
        rng, rule = np.random.default_rng(35), model_folder.Excess(3.0, 1.5, 2.0)
        image, lines = rng.normal(0, 15, (96, 96)), np.zeros((96, 96))
        lines[:48, ::6] = 200
        result = rule.restore(image + lines, np.zeros_like(image), 15.0)
        np.testing.assert_allclose(result[4:40], (image + lines)[4:40], atol=1e-9)
        self.assertLess(result[60:].std(), 0.1 * image[60:].std())


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
