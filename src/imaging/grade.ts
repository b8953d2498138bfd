/** How degraded a slice is: each figure light, moderate or severe, and one grade for the whole. */

/** Figures of one slice; null where not measured. */
export interface SliceQuality {
  /** Noise in the slice's unit. */
  readonly noise: number | null;
  /** Signal over noise, dB. */
  readonly signalToNoise: number | null;
  /** Contrast over noise: CT fat against soft tissue; MR the two classes of the foreground. */
  readonly contrastToNoise: number | null;
  /** Frequency of 50 % modulation, cycles per pixel. */
  readonly mtf50: number | null;
  /** Mean frequency of the noise power, cycles per pixel. */
  readonly noiseFrequency: number | null;
  /** Directed energy of the texture, percent. */
  readonly artefact: number | null;
  /** Entropy of the tissue's values, bit. */
  readonly entropy: number | null;
}

export const grades = ['light', 'moderate', 'severe'] as const;
export type Grade = (typeof grades)[number];

/** Bounds: better than the first is light, worse than the second severe. */
const bounds = {
  signalToNoise: { light: 30, severe: 20 },
  contrastToNoise: { light: 10, severe: 5 },
  artefact: { light: 5, severe: 15 },
} as const;

function falling(value: number, { light, severe }: { light: number; severe: number }): Grade {
  if (value > light) return 'light';
  return value >= severe ? 'moderate' : 'severe';
}

const rank = (grade: Grade): number => grades.indexOf(grade);

/**
 * The worse of signal and contrast to noise; one step worse where streaks are suspected. Sharpness does not enter: it is a
 * property of the delivered grid.
 *
 * @returns null where neither could be measured
 */
export function gradeOf(quality: SliceQuality): Grade | null {
  const parts: Grade[] = [];
  if (quality.signalToNoise !== null) parts.push(falling(quality.signalToNoise, bounds.signalToNoise));
  if (quality.contrastToNoise !== null) parts.push(falling(quality.contrastToNoise, bounds.contrastToNoise));
  if (parts.length === 0) return null;
  const worst = Math.max(...parts.map(rank));
  const streaks = quality.artefact !== null && quality.artefact > bounds.artefact.severe ? 1 : 0;
  return grades[Math.min(grades.length - 1, worst + streaks)] ?? null;
}
