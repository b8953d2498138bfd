// `limpid evaluate` on files: reads series, degrades them, runs enhancers as a node would, compares.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ComparedSeries, RobustnessRow, StudyOptions, StudyRow } from '../cli/evaluate.js';
import { joined } from '../dicom/element.js';
import { readInstance } from '../dicom/file.js';
import { writeFileMeta } from '../dicom/part10.js';
import { isReason, pixelDescription } from '../dicom/pixel-description.js';
import { decodePixels } from '../dicom/pixels.js';
import { toModality, toStored } from '../dicom/rescale.js';
import { explicitLittleEndian } from '../dicom/uids.js';
import { number, numbers, text } from '../dicom/values.js';
import { encodedDataSet, everything } from '../derive/encode.js';
import { pixelElements } from '../derive/pixel-data.js';
import type { enhanceFiles } from './enhance-files.js';
import { panels } from '../enhance/panels.js';
import { LimpidError } from '../errors.js';
import { meanFigures, pairFigures, protocolFor } from '../evaluate/pair-figures.js';
import type { Modality, PairFigures } from '../evaluate/pair-figures.js';
import { pairing } from '../evaluate/pairing.js';
import type { Placed } from '../evaluate/pairing.js';
import { seriesOfFiles } from './file-series.js';
import { atDose, withComplexNoise } from '../imaging/degrade.js';
import { bodyMask } from '../imaging/masks.js';
import { mrNoise } from '../imaging/noise-mr.js';
import type { Slice } from '../imaging/slice.js';
import { outcomeRecord } from '../spool/records.js';

/** Runs one model over files; the app's. */
export type Run = (
  files: readonly string[],
  options: { readonly model: string; readonly strength: StudyOptions['strength']; readonly out: string },
) => ReturnType<typeof enhanceFiles>;

/** A slice with its place and its modality. */
interface Read extends Slice, Placed {
  readonly file: string;
  readonly sopInstanceUid: string;
  readonly modality: Modality;
}

/** More noise by this factor is what robustness means. */
const noisier = 1.1;

/** What is left out of an evaluation, a file or a series by its key, and why. */
type LeftOut = (what: string, why: string) => void;

/** @throws LimpidError USAGE: no single grey image of CT or MR */
async function read(file: string): Promise<Read> {
  const { dataSet, part10 } = readInstance(await readFile(file));
  const unfit = (why: string): LimpidError => new LimpidError('USAGE', `${basename(file)}: ${why}`);
  const modality = text(dataSet, 'Modality') ?? 'none';
  if (modality !== 'CT' && modality !== 'MR') throw unfit(`Modality ${modality}: CT and MR are evaluated`);
  const description = pixelDescription(dataSet);
  if (isReason(description)) throw unfit(`${description.code} ${description.detail}`.trim());
  if (description.frames > 1) throw unfit(`${description.frames} frames: objects of one image are evaluated`);
  if (description.samples > 1) throw unfit('pixels in colour');
  const stored = await decodePixels(dataSet, description, part10.transferSyntaxUid);
  const { rows, columns } = description;
  return {
    file,
    rows,
    columns,
    values: toModality(stored, description),
    modality,
    position: numbers(dataSet, 'ImagePositionPatient'),
    orientation: numbers(dataSet, 'ImageOrientationPatient'),
    instanceNumber: number(dataSet, 'InstanceNumber'),
    sopInstanceUid: text(dataSet, 'SOPInstanceUID') ?? '',
  };
}

/** The files of the only series there is. */
async function onlySeries(name: string, files: readonly string[], left: LeftOut): Promise<Read[]> {
  const series = await groups(files, left);
  const [only] = series;
  if (only === undefined || series.length > 1) {
    throw new LimpidError('USAGE', `${name} must be one series; these are ${series.length}`);
  }
  return Promise.all(only.files.map(read));
}

async function groups(
  files: readonly string[],
  left: LeftOut,
): Promise<{ readonly key: string; readonly files: string[] }[]> {
  const source = { peer: 'unknown', callingAe: '', calledAe: '', address: '' };
  const { series, refused } = await seriesOfFiles(files, source, () => 0);
  if (series.length === 0) {
    const [first] = refused;
    const why = first === undefined ? 'there are no files' : `${basename(first.file)}: ${first.why}`;
    throw new LimpidError('USAGE', `no series to read: ${why}`);
  }
  for (const { file, why } of refused) left(file, why);
  return series.map(({ record, paths }) => ({
    key: record.key,
    files: record.instances.map(({ file }) => paths.get(file) ?? file),
  }));
}

function compared(test: readonly Read[], reference: readonly Read[], threshold: number | null): PairFigures[] {
  const [[one], [other]] = [test, reference];
  if (one !== undefined && other !== undefined && one.modality !== other.modality) {
    throw new LimpidError('USAGE', `${one.modality} cannot be compared with a reference of ${other.modality}`);
  }
  const partners = pairing(test, reference);
  return test.map((slice, index) => {
    const partner = reference[partners[index] ?? 0];
    if (partner === undefined) throw new LimpidError('USAGE', 'a slice without a reference');
    try {
      return pairFigures(slice, partner, protocolFor(partner.modality, partner, threshold ?? undefined));
    } catch (error) {
      if (error instanceof RangeError) throw new LimpidError('USAGE', `slices of different sizes: ${error.message}`);
      throw error;
    }
  });
}

/** A reference against a test series, and against what was there before; panels of before, after and difference into `out`. */
export async function compareFiles(options: {
  readonly reference: readonly string[];
  readonly test: readonly string[];
  readonly before: readonly string[] | null;
  readonly threshold: number | null;
  readonly out: string | null;
  readonly left: LeftOut;
}): Promise<ComparedSeries> {
  const { left } = options;
  const reference = await onlySeries('the reference', options.reference, left);
  const test = await onlySeries('the test', options.test, left);
  const before = options.before === null ? null : await onlySeries('what was before', options.before, left);
  const after = compared(test, reference, options.threshold);
  if (options.out !== null) await drawPanels(options.out, before ?? reference, test);
  return {
    slices: test.length,
    before: before === null ? null : meanFigures(compared(before, reference, options.threshold)),
    after: meanFigures(after),
  };
}

async function drawPanels(folder: string, before: readonly Read[], after: readonly Read[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  const partners = pairing(after, before);
  for (const [index, slice] of after.entries()) {
    const partner = before[partners[index] ?? 0];
    if (partner === undefined || partner.rows !== slice.rows || partner.columns !== slice.columns) continue;
    const png = panels(slice.modality, partner, slice);
    await writeFile(join(folder, `${String(index + 1).padStart(4, '0')}.png`), png);
  }
}

/** At most `most` neighbouring slices from the middle of a series, by position. */
function middle(slices: readonly Read[], most: number): Read[] {
  const along = ({ position, instanceNumber }: Read): number =>
    position.length === 3 ? position.reduce((sum, value) => sum + value, 0) : (instanceNumber ?? 0);
  const sorted = slices.toSorted((a, b) => along(a) - along(b));
  const from = Math.max(0, (sorted.length - most) >> 1);
  return sorted.slice(from, from + most);
}

/** The slice with `times` its noise; null where its noise cannot be measured. */
function degraded(slice: Read, times: number, seed: number): Float32Array | null {
  if (times === 1) return slice.values;
  if (slice.modality === 'CT') return atDose(slice, 1 / (times * times), seed);
  const { sigma } = mrNoise(slice, bodyMask(slice));
  return sigma > 0 ? withComplexNoise(slice, sigma * Math.sqrt(times * times - 1), seed) : null;
}

/** A copy of an instance with other pixels: only for evaluation, never for a PACS. */
async function writeCopy(slice: Read, values: Float32Array, to: string): Promise<void> {
  const source = readInstance(await readFile(slice.file));
  const description = pixelDescription(source.dataSet);
  if (isReason(description)) throw new LimpidError('DICOM_UNDECODABLE', description.code);
  const stored = await decodePixels(source.dataSet, description, source.part10.transferSyntaxUid);
  const pixels = toStored(values, stored, description);
  const elements = pixelElements(source.dataSet, description, pixels, source.part10.transferSyntaxUid);
  const meta = writeFileMeta({
    sopClassUid: text(source.dataSet, 'SOPClassUID') ?? '',
    sopInstanceUid: slice.sopInstanceUid,
    transferSyntaxUid: explicitLittleEndian,
  });
  await writeFile(to, joined([meta, ...encodedDataSet(source.dataSet, everything, elements)]));
}

/** Degrades the middle of a series into a folder. @returns the files, or null where the noise cannot be measured */
async function degrade(slices: readonly Read[], times: number, folder: string): Promise<string[] | null> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const files: string[] = [];
  for (const [index, slice] of slices.entries()) {
    const values = degraded(slice, times, 1000 * index + 17);
    if (values === null) return null;
    const file = join(folder, `${String(index + 1).padStart(4, '0')}.dcm`);
    await writeCopy(slice, values, file);
    files.push(file);
  }
  return files;
}

interface Ran {
  readonly outcome: string;
  readonly figures: PairFigures | null;
  readonly noiseRatio: number | null;
  readonly residualStructure: number | null;
  readonly secondsPerSlice: number | null;
}

/** One model over degraded files, compared with what they were. */
async function enhanced(
  run: Run,
  files: readonly string[],
  reference: readonly Read[],
  options: { readonly model: string; readonly strength: StudyOptions['strength']; readonly out: string },
): Promise<Ran> {
  const { series } = await run(files, options);
  const [one] = series;
  if (one === undefined) throw new LimpidError('INTERNAL', 'a degraded series is none');
  const none = { figures: null, noiseRatio: null, residualStructure: null, secondsPerSlice: null };
  if (one.outcome !== 'enhanced' && one.outcome !== 'withheld') return { outcome: one.code ?? one.outcome, ...none };
  const outcome = outcomeRecord.parse(JSON.parse(await readFile(join(one.folder, 'outcome.json'), 'utf8')));
  const after = await Promise.all(outcome.instances.map(({ file }) => read(join(one.folder, 'objects', file))));
  const sameGrid = after.every(({ rows, columns }) => rows === reference[0]?.rows && columns === reference[0].columns);
  if (!sameGrid) return { outcome: 'other grid', ...none };
  return {
    outcome: one.code ?? one.outcome,
    figures: meanFigures(compared(after, reference, null)),
    noiseRatio: outcome.figures['noiseRatio']?.after ?? null,
    residualStructure: outcome.figures['residualStructure']?.after ?? null,
    secondsPerSlice: outcome.modelSeconds === null ? null : outcome.modelSeconds / outcome.instances.length,
  };
}

/** The middle of a series; null: it cannot be evaluated, and `left` is told why. */
async function referenceOf(
  { key, files }: { readonly key: string; readonly files: readonly string[] },
  most: number,
  left: LeftOut,
): Promise<Read[] | null> {
  try {
    return middle(await Promise.all(files.map(read)), most);
  } catch (error) {
    if (!(error instanceof LimpidError)) throw error;
    left(key, error.message);
    return null;
  }
}

/** Every model on every series at every noise level: the comparison table. Series whose noise cannot be measured are left out. */
export async function studyFiles(
  files: readonly string[],
  options: StudyOptions,
  run: Run,
  { progress, left }: { readonly progress: (done: number, total: number) => void; readonly left: LeftOut },
): Promise<StudyRow[]> {
  const rows: StudyRow[] = [];
  const series = await groups(files, left);
  const total = series.length * options.noiseTimes.length * options.models.length;
  let done = 0;
  for (const one of series) {
    const { key } = one;
    const reference = await referenceOf(one, options.slices, left);
    if (reference === null) {
      done += options.noiseTimes.length * options.models.length;
      continue;
    }
    for (const noiseTimes of options.noiseTimes) {
      const folder = join(options.out, key, `x${noiseTimes}`);
      const noisy = await degrade(reference, noiseTimes, join(folder, 'degraded'));
      if (noisy === null) {
        left(key, `its noise cannot be measured, to be made ${noiseTimes} times as strong`);
        done += options.models.length;
        continue;
      }
      const before = meanFigures(compared(await Promise.all(noisy.map(read)), reference, null));
      for (const model of options.models) {
        const out = join(folder, model);
        const { figures, ...ran } = await enhanced(run, noisy, reference, { model, strength: options.strength, out });
        rows.push({ series: key, noiseTimes, model, before, after: figures, ...ran });
        progress((done += 1), total);
      }
    }
  }
  if (rows.length === 0)
    throw new LimpidError('USAGE', 'no series could be read, and its noise measured: nothing to compare');
  return rows;
}

/** How far each figure falls when the noise rises by a tenth. */
export async function robustnessOfFiles(
  files: readonly string[],
  options: StudyOptions,
  run: Run,
  told: Parameters<typeof studyFiles>[3],
): Promise<RobustnessRow[]> {
  const levels = options.noiseTimes.flatMap((times) => [times, Number((times * noisier).toFixed(4))]);
  const rows = await studyFiles(files, { ...options, noiseTimes: levels }, run, told);
  return rows.flatMap((plain): RobustnessRow[] => {
    if (!options.noiseTimes.includes(plain.noiseTimes) || plain.after === null) return [];
    const times = Number((plain.noiseTimes * noisier).toFixed(4));
    const other = rows.find(
      (row) => row.series === plain.series && row.model === plain.model && row.noiseTimes === times,
    )?.after;
    if (other === undefined || other === null) return [];
    const { after, series, model } = plain;
    const row = (figure: string, from: number | null, to: number | null): RobustnessRow[] =>
      from === null || to === null
        ? []
        : [{ series, model, figure, plain: from, noisier: to, fall: (100 * (from - to)) / from }];
    return [
      ...row('PSNR', after.psnr, other.psnr),
      ...row('SSIM', after.ssim, other.ssim),
      ...row('Dice', after.dice, other.dice),
    ];
  });
}
