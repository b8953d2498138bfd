/** Figures of a series without a reference, and how degraded it was: from the few of its slices that are judged. */
import { gradeOf } from '../imaging/grade.js';
import type { Grade, SliceQuality } from '../imaging/grade.js';
import type { Metrics } from '../observe/metrics.js';
import type { Figure, OutcomeRecord } from '../spool/records.js';
import type { Quality } from './finish.js';
import { figure } from './outcome.js';
import { middleOf } from './strength.js';

/** As many slices are judged at most: they take about as long as a slice in a network, all together. */
const most = 5;

/** Whether the slice of this rank among the calibration slices is judged: spread evenly. */
export function isJudged(rank: number, count: number): boolean {
  if (count <= most) return true;
  const share = (most - 1) / (count - 1);
  return rank === 0 || Math.floor(rank * share) > Math.floor((rank - 1) * share);
}

/** Names as records and `series show` have them. */
const figuresOf = {
  signalToNoise: { pick: (quality: SliceQuality) => quality.signalToNoise, unit: 'dB' },
  contrastToNoise: { pick: (quality: SliceQuality) => quality.contrastToNoise, unit: '1' },
  sharpness: { pick: (quality: SliceQuality) => quality.mtf50, unit: 'cycles/pixel' },
  grain: { pick: (quality: SliceQuality) => quality.noiseFrequency, unit: 'cycles/pixel' },
  artefact: { pick: (quality: SliceQuality) => quality.artefact, unit: '%' },
  entropy: { pick: (quality: SliceQuality) => quality.entropy, unit: 'bit' },
} as const;

function middle(qualities: readonly SliceQuality[], pick: (quality: SliceQuality) => number | null): number | null {
  const values = qualities.map(pick).filter((value) => value !== null);
  return values.length > 0 ? middleOf(values) : null;
}

/** The middle of the judged slices, before and after; a figure that none of them has is not measured. */
export function qualityFigures(judged: readonly Quality[]): Record<string, Figure> {
  const before = judged.map((quality) => quality.before);
  const after = judged.map((quality) => quality.after);
  return Object.fromEntries(
    Object.entries(figuresOf).map(([name, { pick, unit }]) => [
      name,
      figure(middle(before, pick), middle(after, pick), unit),
    ]),
  );
}

/** The grade of a series by the middle of its judged slices. */
export function gradeOfMiddle(qualities: readonly SliceQuality[]): Grade | null {
  return gradeOf({
    noise: middle(qualities, ({ noise }) => noise),
    signalToNoise: middle(qualities, figuresOf.signalToNoise.pick),
    contrastToNoise: middle(qualities, figuresOf.contrastToNoise.pick),
    mtf50: middle(qualities, figuresOf.sharpness.pick),
    noiseFrequency: middle(qualities, figuresOf.grain.pick),
    artefact: middle(qualities, figuresOf.artefact.pick),
    entropy: middle(qualities, figuresOf.entropy.pick),
  });
}

/** Grades of the series before and after; null without judged slices. */
export function gradesOf(judged: readonly Quality[]): OutcomeRecord['grade'] {
  if (judged.length === 0) return null;
  return {
    before: gradeOfMiddle(judged.map(({ before }) => before)),
    after: gradeOfMiddle(judged.map(({ after }) => after)),
  };
}

/** Counts what a finished task did to its series. */
export function countQuality(metrics: Metrics, model: string, { figures, grade }: OutcomeRecord): void {
  for (const [metric, name] of [
    ['quality_sharpness_ratio', 'sharpness'],
    ['quality_grain_ratio', 'grain'],
  ] as const) {
    const { before, after } = figures[name] ?? { before: null, after: null };
    if (before !== null && after !== null && before > 0) metrics.observe(metric, { model }, after / before);
  }
  for (const when of ['before', 'after'] as const) {
    if (grade !== null) metrics.inc('quality_grade_total', { model, when, grade: grade[when] ?? 'unknown' });
  }
}
