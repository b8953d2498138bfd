// `limpid evaluate` on files: runs enhancers on series as a node would, and compares.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ComparedSeries, RobustnessRow, StudyOptions, StudyRow, Told } from '../cli/evaluate.js';
import type { enhanceFiles } from './enhance-files.js';
import { panels } from '../enhance/panels.js';
import { LimpidError } from '../errors.js';
import { meanFigures, pairFigures, protocolFor } from '../evaluate/pair-figures.js';
import type { PairFigures } from '../evaluate/pair-figures.js';
import { pairing } from '../evaluate/pairing.js';
import { degrade } from './degrade-files.js';
import { groups, onlySeries, readSlice, referenceOf } from './evaluated-series.js';
import type { ReadSlice } from './evaluated-series.js';
import { outcomeRecord } from '../spool/records.js';
import { makeParents } from '../spool/write-once.js';

/** Runs one model over files; the app's. */
export type Run = (
  files: readonly string[],
  options: { readonly model: string; readonly strength: StudyOptions['strength']; readonly out: string },
) => ReturnType<typeof enhanceFiles>;

/** What runs models, and knows which of them look at neighbours. */
export interface Runner {
  readonly run: Run;
  readonly seesNeighbours: (model: string) => Promise<boolean>;
}

/** More noise by this factor is what robustness means. */
const noisier = 1.1;
/** Pixel spacings that differ by no more than this share are equal: headers round them. */
const sameSpacing = 0.01;
/** Largest difference of a direction cosine of one orientation. */
const sameCosine = 0.01;

/** The figures of each slice that shows something: where the reference has no body there is nothing to be near to. */
function compared(
  test: readonly ReadSlice[],
  reference: readonly ReadSlice[],
  threshold: number | null,
): PairFigures[] {
  const [first] = reference;
  const other = [...test, ...reference].find(({ modality }) => modality !== first?.modality);
  if (first !== undefined && other !== undefined) {
    throw new LimpidError('USAGE', `${other.modality} cannot be compared with a reference of ${first.modality}`);
  }
  const partners = pairing(test, reference);
  const figures = test.flatMap((slice, index) => {
    const partner = reference[partners[index] ?? 0];
    if (partner === undefined) throw new LimpidError('USAGE', 'a slice without a reference');
    if (slice.orientation.some((value, axis) => Math.abs(value - (partner.orientation[axis] ?? value)) > sameCosine)) {
      const [own, its] = [slice.orientation.join(', '), partner.orientation.join(', ')];
      throw new LimpidError('USAGE', `slices of different orientations: ${own} against ${its}`);
    }
    if (slice.spacing.some((value, axis) => Math.abs(value / (partner.spacing[axis] ?? value) - 1) > sameSpacing)) {
      const [own, its] = [slice.spacing.join(' x '), partner.spacing.join(' x ')];
      throw new LimpidError('USAGE', `slices of different pixel spacings: ${own} against ${its} mm`);
    }
    const protocol = protocolFor(partner.modality, partner, threshold ?? undefined);
    try {
      return protocol.body.includes(1) ? [pairFigures(slice, partner, protocol)] : [];
    } catch (error) {
      if (error instanceof RangeError) throw new LimpidError('USAGE', `slices of different sizes: ${error.message}`);
      throw error;
    }
  });
  if (figures.length === 0) throw new LimpidError('USAGE', 'no slice of the reference shows a body');
  return figures;
}

/** The slices of `before` that show what the test's show. @throws LimpidError USAGE: not each of those has one */
function sameSlices(
  before: readonly ReadSlice[],
  test: readonly ReadSlice[],
  reference: readonly ReadSlice[],
): readonly ReadSlice[] {
  const partners = pairing(before, reference);
  const wanted = new Set(pairing(test, reference));
  const lacking = [...wanted].filter((index) => !partners.includes(index)).length;
  if (lacking > 0) throw new LimpidError('USAGE', `${lacking} slices of the test are not in what was before`);
  return before.filter((_, index) => wanted.has(partners[index] ?? -1));
}

/** A reference against a test series, and against what was there before; panels of before, after and difference into `out`. */
export async function compareFiles(options: {
  readonly reference: readonly string[];
  readonly test: readonly string[];
  readonly before: readonly string[] | null;
  readonly threshold: number | null;
  readonly out: string | null;
  readonly left: Told['left'];
}): Promise<ComparedSeries> {
  const { left } = options;
  const reference = await onlySeries('the reference', options.reference, left);
  const test = await onlySeries('the test', options.test, left);
  const before = options.before === null ? null : await onlySeries('what was before', options.before, left);
  const after = compared(test, reference, options.threshold);
  if (options.out !== null) await drawPanels(options.out, before ?? reference, test);
  const partners = new Set(pairing(test, reference));
  return {
    slices: after.length,
    withoutBody: test.length - after.length,
    withoutPartner: reference.length - partners.size,
    before:
      before === null ? null : meanFigures(compared(sameSlices(before, test, reference), reference, options.threshold)),
    after: meanFigures(after),
  };
}

async function drawPanels(folder: string, before: readonly ReadSlice[], after: readonly ReadSlice[]): Promise<void> {
  await makeParents(folder);
  const partners = pairing(after, before);
  const ordered = [...after.keys()].sort((a, b) => (after[a]?.instanceNumber ?? a) - (after[b]?.instanceNumber ?? b));
  for (const [rank, index] of ordered.entries()) {
    const [slice, partner] = [after[index], before[partners[index] ?? 0]];
    if (slice === undefined) continue;
    if (partner === undefined || partner.rows !== slice.rows || partner.columns !== slice.columns) continue;
    const png = panels(slice.modality, partner, slice);
    await writeFile(join(folder, `${String(rank + 1).padStart(4, '0')}.png`), png);
  }
}

interface Ran {
  readonly outcome: string;
  /** Why there is no outcome; null: there is one. */
  readonly failure: string | null;
  readonly figures: PairFigures | null;
  readonly noiseRatio: number | null;
  readonly residualStructure: number | null;
  readonly secondsPerSlice: number | null;
}

/** One model over degraded files, compared with what they were. */
async function enhanced(
  run: Run,
  files: readonly string[],
  reference: readonly ReadSlice[],
  options: { readonly model: string; readonly strength: StudyOptions['strength']; readonly out: string },
): Promise<Ran> {
  const { series } = await run(files, options);
  const [one] = series;
  if (one === undefined) throw new LimpidError('INTERNAL', 'a degraded series is none');
  const failure = one.outcome === 'failed' ? `${one.code ?? one.outcome}: ${one.detail}` : null;
  const none = { failure, figures: null, noiseRatio: null, residualStructure: null, secondsPerSlice: null };
  if (one.outcome !== 'enhanced' && one.outcome !== 'withheld') return { outcome: one.code ?? one.outcome, ...none };
  const outcome = outcomeRecord.parse(JSON.parse(await readFile(join(one.folder, 'outcome.json'), 'utf8')));
  const wanted = new Set(reference.map(({ sopInstanceUid }) => sopInstanceUid));
  const made = outcome.instances.filter(({ source }) => wanted.has(source));
  const after = await Promise.all(made.map(({ file }) => readSlice(join(one.folder, 'objects', file))));
  const sameGrid = after.every(({ rows, columns }) => rows === reference[0]?.rows && columns === reference[0].columns);
  if (!sameGrid) return { outcome: 'other grid', ...none };
  return {
    outcome: one.code ?? one.outcome,
    failure,
    figures: meanFigures(compared(after, reference, null)),
    noiseRatio: outcome.figures['noiseRatio']?.after ?? null,
    residualStructure: outcome.figures['residualStructure']?.after ?? null,
    secondsPerSlice: outcome.modelSeconds === null ? null : outcome.modelSeconds / outcome.instances.length,
  };
}

/** Figures of a degraded series, or why there are none. */
function figuresOf(degraded: readonly ReadSlice[], reference: readonly ReadSlice[]): PairFigures | LimpidError {
  try {
    return meanFigures(compared(degraded, reference, null));
  } catch (error) {
    if (error instanceof LimpidError && error.code === 'USAGE') return error;
    throw error;
  }
}

/** Every model on every series at every noise level: the comparison table. Series whose noise cannot be measured are left out. */
export async function studyFiles(
  files: readonly string[],
  options: StudyOptions,
  { run, seesNeighbours }: Runner,
  { progress, left, failed }: Told,
): Promise<StudyRow[]> {
  const rows: StudyRow[] = [];
  const sees = new Map<string, boolean>();
  for (const model of options.models) sees.set(model, await seesNeighbours(model));
  const series = await groups(files, left);
  const total = series.length * options.noiseTimes.length * options.models.length;
  let done = 0;
  for (const one of series) {
    const { key, name } = one;
    const file = `${key} ${name}`;
    const stretch = await referenceOf(one, options.slices, left);
    if (stretch === null) {
      done += options.noiseTimes.length * options.models.length;
      continue;
    }
    const { compared: reference, beside } = stretch;
    const isSeen = [...sees.values()].includes(true);
    for (const noiseTimes of options.noiseTimes) {
      const folder = join(options.out, key, `x${noiseTimes}`);
      const within = { compared: reference, beside: isSeen ? beside : [] };
      const noisy = await degrade(within, noiseTimes, join(folder, 'degraded'));
      if (noisy === null) {
        left([{ file, why: `its noise cannot be measured, to be made ${noiseTimes} times as strong` }]);
        done += options.models.length;
        continue;
      }
      const degraded = await Promise.all(noisy.compared.map(readSlice));
      const before = figuresOf(degraded, reference);
      if (before instanceof LimpidError) {
        left([{ file, why: before.message }]);
        done += options.models.length;
        continue;
      }
      for (const model of options.models) {
        const out = join(folder, model);
        const given = sees.get(model) === true ? [...noisy.compared, ...noisy.beside] : noisy.compared;
        const how = { model, strength: options.strength, out };
        const { figures, failure, ...ran } = await enhanced(run, given, reference, how);
        if (failure !== null) {
          left([{ file, why: `${model} failed at x${noiseTimes}: ${failure}` }]);
          failed();
        }
        rows.push({ series: key, name, noiseTimes, model, before, after: figures, ...ran });
        progress((done += 1), total);
      }
    }
  }
  if (rows.length === 0)
    throw new LimpidError('USAGE', 'no series could be read, and its noise measured: nothing to compare');
  return rows;
}

/** By how much a figure has fallen, percent; null where it says already that nothing is alike. */
const fallOf = (from: number, to: number): number | null => (from > 0 ? (100 * (from - to)) / from : null);

/** How far each figure falls when the noise rises by a tenth. */
export async function robustnessOfFiles(
  files: readonly string[],
  options: StudyOptions,
  runner: Runner,
  told: Told,
): Promise<RobustnessRow[]> {
  const asked = new Set(options.noiseTimes);
  const tenthMore = (times: number): number => Number((times * noisier).toFixed(4));
  // A level may be a tenth above another one that was asked for: it is made once.
  const noiseTimes = [...new Set([...asked].flatMap((times) => [times, tenthMore(times)]))];
  const rows = await studyFiles(files, { ...options, noiseTimes }, runner, told);
  for (const { series, name, model, noiseTimes: times, after, outcome } of rows) {
    if (after === null)
      told.left([{ file: `${series} ${name}`, why: `${model} gave nothing at x${times}: ${outcome}` }]);
  }
  return rows.flatMap((plain): RobustnessRow[] => {
    if (!asked.has(plain.noiseTimes) || plain.after === null) return [];
    const times = tenthMore(plain.noiseTimes);
    const more = rows.find(
      (row) => row.series === plain.series && row.model === plain.model && row.noiseTimes === times,
    );
    const other = more?.after ?? null;
    if (more === undefined || other === null) return [];
    const { after, series, name, model } = plain;
    const outcome = plain.outcome === 'enhanced' ? more.outcome : plain.outcome;
    const row = (figure: string, from: number | null, to: number | null): RobustnessRow[] =>
      from === null || to === null
        ? []
        : [
            {
              series,
              name,
              noiseTimes: plain.noiseTimes,
              model,
              figure,
              plain: from,
              noisier: to,
              fall: fallOf(from, to),
              outcome,
            },
          ];
    return [
      ...row('PSNR', after.psnr, other.psnr),
      ...row('SSIM', after.ssim, other.ssim),
      ...row('Dice', after.dice, other.dice),
    ];
  });
}
