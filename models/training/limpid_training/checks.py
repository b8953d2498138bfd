"""Checks of the simulated physics against theory: python3 -m limpid_training check"""

import unittest

import numpy as np

from limpid_training import ct_simulator as ct
from limpid_training import ct_stack, line_bundles, mr_stack, phantoms, pools
from limpid_training import mr_simulator as mr
from limpid_training import parallel_imaging as parallel
from limpid_training import resolution_loss as resolution
from limpid_training import us_simulator as us
from limpid_training.fields import mean_blocks
from limpid_training.network import UNIT
from limpid_training.patches import Levels, draw_batch
from limpid_training.pools import CT_STEPS


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

    def test_starved_rays_make_streaks_along_the_longest_way(self) -> None:
        rows, columns = (np.arange(256) - 127.5)[:, None], (np.arange(256) - 127.5)[None]
        shoulders = np.where((rows / 45) ** 2 + (columns / 120) ** 2 < 1, 0.0, -1000.0)
        for side in (-85, 85):
            shoulders[np.hypot(rows, columns - side) < 22] = 900
        scan = ct.Scan(pixel_mm=2.0, photons=3e4, views=240, electronic=6)
        image = ct.Kernel(0.25).apply(ct.scan_noise(np.random.default_rng(34), shoulders, scan))[108:148, 78:178]
        power = np.abs(np.fft.fft2(image - image.mean())) ** 2
        # Streaks along the rows have their power at high frequencies across them.
        self.assertGreater(power[3:12, 0:2].mean(), 4 * power[0:2, 3:12].mean())

    def test_a_kernel_halves_its_frequency(self) -> None:
        n = 256
        for half in (32 / n, 80 / n):
            wave = np.cos(2 * np.pi * half * np.arange(n))[None] * np.ones((n, 1))
            self.assertAlmostEqual(ct.Kernel(half).apply(wave).std() / wave.std(), 0.5, delta=1e-3)


class Stacks(unittest.TestCase):
    def test_neighbours_share_the_noise_of_their_overlap(self) -> None:
        water = np.where(_distance(256) < 100, 0.0, -1000.0)
        scan = ct.Scan(pixel_mm=1.4, photons=1e6, views=180, electronic=0)
        centre = (slice(None), slice(78, 178), slice(78, 178))
        noise = ct_stack.stack_noise(np.random.default_rng(23), water, scan, ct_stack.Geometry(4, 1.5, 4))[centre]
        middle, before, after = noise.reshape(3, -1)
        self.assertAlmostEqual(np.corrcoef(middle, before)[0, 1], 1 - 1.5 / 4, delta=0.05)
        self.assertAlmostEqual(np.corrcoef(before, after)[0, 1], 1 - 3 / 4, delta=0.06)

    def test_slices_that_do_not_overlap_share_no_noise(self) -> None:
        np.testing.assert_allclose(ct_stack.Geometry(1, 1, 1).noise_correlation(), np.eye(3))

    def test_a_nodule_lies_where_its_height_says(self) -> None:
        ball = ct_stack.Nodule(row=20, column=30, height_mm=2, radius_mm=3, contrast=50)
        seen = [np.zeros((64, 64)) for _ in range(4)]
        for image, height in zip(seen, (2, 4.9, 5.1, -1.1)):
            ball.add_to(image, height, 0.5)
        self.assertAlmostEqual(seen[0].sum() / 50, np.pi * 6**2, delta=2)
        self.assertEqual(seen[0][20, 30], 50)
        self.assertTrue(0 < seen[1].sum() < 0.1 * seen[0].sum())
        self.assertEqual(seen[2].sum() + seen[3].sum(), 0)

    def test_mr_partitions_share_noise_where_they_are_interpolated_alone(self) -> None:
        for seed in range(40):
            geometry = mr_stack.partitions(np.random.default_rng(seed))
            shared = geometry.noise_correlation()[0, 1]
            self.assertAlmostEqual(shared, 0.5 if geometry.spacing_mm < geometry.thickness_mm else 0, delta=1e-6)
            np.testing.assert_allclose(mr_stack.excited_slices(np.random.default_rng(seed)).noise_correlation(), np.eye(3))

    def test_mr_neighbours_have_noise_of_their_own_and_one_receiver(self) -> None:
        rng = np.random.default_rng(36)
        clean = np.stack([phantoms.mr_clean(rng, 128)] * 3)
        how = mr.Acquisition(r=2, zero_filling=1.0, sigma=0.05)
        receiver = mr.random_receiver(rng, 128, how)
        alone = mr.acquire(np.random.default_rng(37), clean[0], how, receiver)
        for factor, wanted in ((np.eye(3), 0.0), (ct_stack.Geometry(2, 1, 2).noise_factor(), 0.5)):
            pairs = mr.acquire_stack(np.random.default_rng(37), clean, how, receiver, factor)
            np.testing.assert_allclose(pairs[0].noisy, alone.noisy, atol=0.1)
            np.testing.assert_allclose(pairs[1].target, pairs[0].target, atol=1e-2)
            bright = pairs[0].target > 10 * pairs[0].sigma
            middle, before, _ = ((pair.noisy - pair.target)[bright] for pair in pairs)
            self.assertAlmostEqual(np.corrcoef(middle, before)[0, 1], wanted, delta=0.1)

    def test_a_thick_slice_is_the_mean_of_its_sections(self) -> None:
        rng = np.random.default_rng(24)
        section, other = (phantoms.ct_plain(rng, 128) for _ in range(2))
        anatomy = ct_stack.Anatomy(rng, section, other, 1.0)
        thick = anatomy.slices(ct_stack.Geometry(2.0, 1.0, 2.0))[0]
        np.testing.assert_allclose(thick, np.mean([anatomy.at(z) for z in (-0.75, -0.25, 0.25, 0.75)], axis=0), atol=1e-3)
        near, far = (np.corrcoef(section.ravel(), anatomy.at(z).ravel())[0, 1] for z in (0.5, 6.0))
        self.assertGreater(near, far)


class Lines(unittest.TestCase):
    def test_lines_have_their_contrast_and_move_aside(self) -> None:
        lines = line_bundles.line_bundle(np.random.default_rng(40), 96, 8.0, -100.0)
        self.assertTrue(-100 <= lines(0).min() < -50 and lines(0).max() <= 0)
        np.testing.assert_allclose(lines(8.0), lines(0), atol=0.01)
        self.assertLess(np.corrcoef(lines(4.0).ravel(), lines(0).ravel())[0, 1], 0.5)

    def test_drawn_bundles_stand_out_of_the_noise(self) -> None:
        for noise, highest in ((5.0, 100.0), (80.0, line_bundles.HIGHEST_CONTRAST_HU)):
            peaks = [np.abs(line_bundles.random_bundle(np.random.default_rng(seed), 96, noise)(0.0)).max() for seed in range(40)]
            self.assertLessEqual(max(peaks), highest * 1.001)
            self.assertGreater(np.median(peaks), 5 * noise)


class Resolution(unittest.TestCase):
    def test_a_wave_is_damped_by_kernel_and_aperture(self) -> None:
        n = 256
        for cycles in (16, 40, 56):
            frequency = cycles / n
            wave = np.cos(2 * np.pi * frequency * (np.arange(n) - 0.5))[None] * np.ones((n, 1))
            damped = resolution.ct_coarser(wave, 0.2)
            self.assertAlmostEqual(damped.std() / wave.std(), resolution.ct_transfer(np.array(frequency), 0.2), delta=1e-3)

    def test_a_coarser_mr_image_is_the_fine_one_where_it_was_sampled(self) -> None:
        n = 128
        rows, columns = np.mgrid[:n, :n]
        wave = 5 + np.cos(2 * np.pi * (9 * rows + 14 * columns) / n)
        coarse = resolution.mr_coarser(wave)
        centres = np.arange(n // 2) * 2 + 0.5
        expected = 5 + np.cos(2 * np.pi * (9 * centres[:, None] + 14 * centres[None]) / n)
        np.testing.assert_allclose(coarse, expected, atol=1e-9)

    def test_what_was_not_sampled_is_not_there(self) -> None:
        n = 128
        wave = np.cos(2 * np.pi * 40 * np.arange(n) / n)[None] * np.ones((n, 1))
        self.assertLess(np.abs(resolution.mr_coarser(wave)).max(), 1e-9)


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


class ParallelImaging(unittest.TestCase):
    """A drawn object seen by eight coils, without noise."""

    def setUp(self) -> None:
        rng = np.random.default_rng(31)
        self.object = phantoms.mr_clean(rng, 96) * np.exp(1j * 0.3)
        self.maps = mr.coil_sensitivities(rng, 96, 8)
        self.kspace = parallel.to_kspace(self.maps * self.object)
        self.reference = parallel.root_sum_of_squares(parallel.to_images(self.kspace))

    def _error(self, image: np.ndarray) -> float:
        return float(((image - self.reference) ** 2).sum() / (self.reference**2).sum())

    def test_both_reconstructions_bring_the_object_back(self) -> None:
        zero_filled = np.where(parallel.sampled_lines(96, 2)[None, :, None], self.kspace, 0)
        folded = self._error(parallel.root_sum_of_squares(parallel.to_images(zero_filled)))
        filled = parallel.root_sum_of_squares(parallel.to_images(parallel.grappa(self.kspace, 2)))
        self.assertLess(self._error(filled), 0.1 * folded)
        self.assertLess(self._error(parallel.sense(self.kspace, 2)), 0.3 * folded)

    def test_whitening_makes_coils_independent(self) -> None:
        rng = np.random.default_rng(32)
        mixing = rng.normal(size=(4, 4)) + 2 * np.eye(4)
        noise = np.einsum("ij,jrc->irc", mixing, mr.complex_noise(rng, (4, 128, 128)))
        white = parallel.whitened(noise).reshape(4, -1)
        covariance = white @ white.conj().T / white.shape[1]
        np.testing.assert_allclose(covariance, 2 * np.eye(4), atol=0.25)


class UsPhysics(unittest.TestCase):
    PROBE = us.Probe(axial=0.8, lateral=1.2, lateral_far=3.0, focus=0.4, floor_db=90)

    def test_speckle_has_the_statistics_of_a_rayleigh_envelope(self) -> None:
        rng = np.random.default_rng(20)
        level = np.full((256, 256), -20.0)
        envelopes = np.stack([us.envelope_db(rng, level, self.PROBE) for _ in range(8)])
        self.assertAlmostEqual(envelopes.std(), us.SPECKLE_DB, delta=0.08)
        linear = 10 ** (envelopes / 20)
        self.assertAlmostEqual(linear.mean() / linear.std(), 1.913, delta=0.02)  # of a fully developed speckle

    def test_the_target_is_the_mean_of_the_input(self) -> None:
        rng = np.random.default_rng(21)
        level = np.full((128, 128), -25.0)
        target = us.mean_db(level, self.PROBE)
        drawn = np.mean([us.envelope_db(rng, level, self.PROBE).mean() for _ in range(40)])
        self.assertAlmostEqual(drawn - target.mean(), 0, delta=0.06)

    def test_speckle_is_as_wide_as_the_point_spread_function(self) -> None:
        rng = np.random.default_rng(22)
        width = {}
        for axial, lateral in ((1.0, 1.0), (1.0, 3.0)):
            probe = us.Probe(axial, lateral, lateral, 0.5, 90)
            power = 10 ** (us.envelope_db(rng, np.zeros((256, 256)), probe) / 10)
            power -= power.mean()
            correlation = np.fft.ifft2(np.abs(np.fft.fft2(power)) ** 2).real
            width[lateral] = correlation[0, 3] / correlation[0, 0]
        # Intensity correlates as the squared autocorrelation of the amplitude's point-spread function: exp(-x^2 / (2 sigma^2)).
        self.assertAlmostEqual(width[1.0], np.exp(-9 / 2), delta=0.03)
        self.assertAlmostEqual(width[3.0], np.exp(-9 / 18), delta=0.06)

    def test_compounding_takes_speckle_away_by_the_root_of_its_frames(self) -> None:
        rng = np.random.default_rng(33)
        level = np.full((192, 192), -25.0)
        deviation = {}
        for frames in (1, 4):
            display = us.Display(range_db=100, gain_db=0, smoothing=0, compounded=frames)
            deviation[frames] = us.shown(rng, level, self.PROBE, display).std()
        self.assertAlmostEqual(deviation[1] / deviation[4], 2, delta=0.1)

    def test_the_display_spreads_its_range(self) -> None:
        display = us.Display(range_db=60, gain_db=0, smoothing=0)
        np.testing.assert_allclose(display.grey(np.array([0.0, -30, -60, -90])), [255, 127.5, 0, 0])


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
        for halved in (0.0, 1.0):
            batch = draw_batch(np.random.default_rng(13), part, 32, levels=Levels(halved=halved))
            error = (batch.x[:, 0] - batch.target[:, 0]).numpy()
            ratio = error.std((1, 2)) / batch.x[:, 1].numpy().mean((1, 2))
            self.assertAlmostEqual(float(np.exp(np.log(ratio).mean())), 1, delta=0.1)

    def test_a_halved_patch_shows_twice_the_side(self) -> None:
        rows, columns = np.mgrid[:512, :512]
        ramp = {"clean": ((rows + 0.25 * columns) * CT_STEPS)[None].astype(np.int16)}
        noise = np.random.default_rng(52).standard_normal((1, 1, 512, 512)).astype(np.float32)
        part = {**ramp, "noise": noise, "sigma": np.ones((1, 1, 64, 64), np.float32)}
        for halved, spread in ((0.0, 95 * 1.25), (1.0, 2 * 95 * 1.25)):
            target = draw_batch(np.random.default_rng(53), part, 4, levels=Levels(halved=halved)).target.numpy() * UNIT
            np.testing.assert_allclose(np.ptp(target, axis=(1, 2, 3)), spread, atol=0.5)

    def test_blocks_keep_the_mean(self) -> None:
        image = np.arange(16.0).reshape(4, 4)
        np.testing.assert_allclose(mean_blocks(image, 2), [[2.5, 4.5], [10.5, 12.5]])
