// The acceptance kit: phantoms on disk to send through a node, and the verdict over what came back.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Verdict } from '../cli/evaluate.js';
import type { DataSet } from '../dicom/data-set.js';
import { readInstance } from '../dicom/file.js';
import { isReason, pixelDescription } from '../dicom/pixel-description.js';
import { decodePixels } from '../dicom/pixels.js';
import { toModality } from '../dicom/rescale.js';
import { items, numbers, text } from '../dicom/values.js';
import { LimpidError } from '../errors.js';
import { acceptanceChecks } from '../evaluate/acceptance.js';
import type { Returned } from '../evaluate/acceptance.js';
import { phantomObject, phantomPatient, phantomUids } from '../evaluate/phantom-objects.js';
import { phantomNames, phantomSlice, slicesOf } from '../evaluate/phantoms.js';
import type { PhantomName } from '../evaluate/phantoms.js';
import type { Slice } from '../imaging/slice.js';
import { counted } from '../spool/counted.js';
import { makeParents } from '../spool/write-once.js';

const kitFile = z.strictObject({
  version: z.literal(2),
  run: z.string().min(1),
  phantoms: z.array(z.enum(phantomNames)),
});

/** Writes DIR/NAME/NNNN.dcm for each phantom, and kit.json. @param run new for each making, so that a node takes it as new */
export async function makeKit(
  directory: string,
  run: string,
): Promise<{ readonly phantom: string; readonly folder: string; readonly slices: number }[]> {
  const made: { phantom: string; folder: string; slices: number }[] = [];
  for (const name of phantomNames) {
    const folder = join(directory, name);
    await makeParents(folder);
    const slices = slicesOf[name];
    for (let index = 0; index < slices; index++) {
      const { degraded } = phantomSlice(name, index);
      const bytes = phantomObject({ name, run, index, slices, values: degraded });
      await writeFile(join(folder, `${String(index + 1).padStart(4, '0')}.dcm`), bytes);
    }
    made.push({ phantom: name, folder, slices });
  }
  const kit: z.infer<typeof kitFile> = { version: 2, run, phantoms: [...phantomNames] };
  await writeFile(join(directory, 'kit.json'), JSON.stringify(kit, null, 1));
  return made;
}

/** Whose image it is and where it lies: what a derived object must have from its source. Numbers that a PACS may write otherwise are rounded to 0.001. */
const kept: Readonly<Record<string, (dataSet: DataSet) => string>> = {
  PatientID: (dataSet) => text(dataSet, 'PatientID') ?? '',
  FrameOfReferenceUID: (dataSet) => text(dataSet, 'FrameOfReferenceUID') ?? '',
  ...Object.fromEntries(
    ['ImagePositionPatient', 'ImageOrientationPatient', 'PixelSpacing'].map((keyword) => [
      keyword,
      (dataSet: DataSet) =>
        numbers(dataSet, keyword)
          .map((value) => Math.round(value * 1000))
          .join('\\'),
    ]),
  ),
};
const keptOf = (dataSet: DataSet): ReadonlyMap<string, string> =>
  new Map(Object.entries(kept).map(([keyword, of]) => [keyword, of(dataSet)]));

/** What a derived object says it is, and its pixels. */
interface Derived {
  readonly series: string;
  readonly instance: string;
  readonly kept: ReadonlyMap<string, string>;
  /** The instance it was made from. */
  readonly source: string;
  readonly slice: Slice;
}

/** A derived object of the kit's study; null for anything else among the results. @param foreign is called for one of another kit */
async function readDerived(file: string, study: string, foreign: () => void): Promise<Derived | null> {
  let instance: ReturnType<typeof readInstance>;
  try {
    instance = readInstance(await readFile(file));
  } catch (error) {
    if (error instanceof LimpidError) return null;
    throw error;
  }
  const { dataSet, part10 } = instance;
  const [source] = items(dataSet, 'SourceImageSequence');
  if (source === undefined) return null;
  if (text(dataSet, 'StudyInstanceUID') !== study) {
    if (text(dataSet, 'PatientID') === phantomPatient) foreign();
    return null;
  }
  const description = pixelDescription(dataSet);
  if (isReason(description)) throw new LimpidError('DICOM_UNDECODABLE', `${file}: ${description.code}`);
  const stored = await decodePixels(dataSet, description, part10.transferSyntaxUid);
  return {
    series: text(dataSet, 'SeriesInstanceUID') ?? '',
    instance: text(dataSet, 'SOPInstanceUID') ?? '',
    kept: keptOf(dataSet),
    source: text(source, 'ReferencedSOPInstanceUID') ?? '',
    slice: { rows: description.rows, columns: description.columns, values: toModality(stored, description) },
  };
}

/** What was stored of a degraded slice: rounded and clamped as in its object. */
function asStored(name: PhantomName, { values, ...shape }: Slice): Slice {
  const [low, high] = name === 'ct' ? [-1024, 3071] : name === 'mr' ? [0, 4095] : [0, 255];
  return { ...shape, values: values.map((value) => Math.min(high, Math.max(low, Math.round(value)))) };
}

/** @throws LimpidError USAGE: the folder holds no kit */
async function readKit(directory: string): Promise<z.infer<typeof kitFile>> {
  try {
    return kitFile.parse(JSON.parse(await readFile(join(directory, 'kit.json'), 'utf8')));
  } catch (cause) {
    const made = '`limpid evaluate kit --out DIR` makes one';
    throw new LimpidError('USAGE', `${directory} holds no acceptance kit of this version (kit.json): ${made}`, {
      cause,
    });
  }
}

/** The verdict over the derived objects among `results`, by phantom and by series. */
export async function acceptKit(directory: string, results: readonly string[]): Promise<Verdict[]> {
  const { run, phantoms } = await readKit(directory);
  const { study } = phantomUids(run, 'ct', 0);
  const derived: Derived[] = [];
  let foreign = 0;
  for (const file of results) {
    const one = await readDerived(file, study, () => foreign++);
    if (one !== null) derived.push(one);
  }
  return phantoms.flatMap((name) => verdictsOf(name, run, derived, foreign));
}

/** @param foreign objects made from the phantoms of another kit: one that was made anew has other UIDs */
function verdictsOf(name: PhantomName, run: string, derived: readonly Derived[], foreign: number): Verdict[] {
  const slices = slicesOf[name];
  const indexOf = new Map(
    Array.from({ length: slices }, (_, index) => [phantomUids(run, name, index).instance, index]),
  );
  const mine = derived.filter(({ source }) => indexOf.has(source));
  if (mine.length === 0) {
    const measured = foreign === 0 ? 'none' : `none; ${counted(foreign, 'object')} of another kit`;
    const must = 'a rule that enhances it, and its derived series among the results';
    return [{ phantom: name, check: 'derived series', measured, must, holds: false }];
  }
  return [...new Set(mine.map(({ series }) => series))].flatMap((series): Verdict[] => {
    const own = mine.filter((one) => one.series === series);
    const came = new Set(own.map(({ source }) => source)).size;
    const objects = new Set(own.map(({ instance }) => instance)).size;
    const changed = new Set<string>();
    const returned = own.map(({ source, slice, kept: found }): Returned => {
      const index = indexOf.get(source) ?? 0;
      const { truth, degraded } = phantomSlice(name, index);
      const { dataSet } = readInstance(phantomObject({ name, run, index, slices, values: degraded }));
      for (const [keyword, value] of keptOf(dataSet)) if (found.get(keyword) !== value) changed.add(keyword);
      return { index, truth, sent: asStored(name, { ...truth, values: degraded }), back: slice };
    });
    const sameGrid = returned.every(({ truth, back }) => truth.rows === back.rows && truth.columns === back.columns);
    const whole = {
      check: 'slices',
      measured: objects === came ? String(came) : `${came} in ${objects} objects`,
      must: String(slices),
      holds: came === slices && objects === slices,
    };
    const placed = {
      check: 'patient and geometry',
      measured: changed.size === 0 ? 'kept' : [...changed].join(', '),
      must: 'kept',
      holds: changed.size === 0,
    };
    const grid = { check: 'rows and columns', measured: sameGrid ? 'kept' : 'changed', must: 'kept', holds: sameGrid };
    const checks = [whole, ...(sameGrid ? [placed, ...acceptanceChecks(name, returned)] : [grid])];
    return checks.map((one) => ({ phantom: name, ...one }));
  });
}
