// Building and writing a derived CT slice from decoded pixels, and decoding by transfer syntax beside DCMTK and GDCM.
// node build/bench/derive.js: prints JSON. Time of this process's core, not of the clock; DCMTK's and GDCM's of theirs.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deriveInstance } from '../src/derive/derive-instance.js';
import type { SourceInstance } from '../src/derive/derive-instance.js';
import { readInstance } from '../src/dicom/file.js';
import { isColour } from '../src/dicom/colour.js';
import type { DataSet } from '../src/dicom/data-set.js';
import { isReason, pixelDescription } from '../src/dicom/pixel-description.js';
import type { PixelDescription } from '../src/dicom/pixel-description.js';
import { decodePixels } from '../src/dicom/pixels.js';
import { transferSyntax } from '../src/dicom/uids.js';
import { number } from '../src/dicom/values.js';
import type { Reason } from '../src/errors.js';
import { planFor } from '../test/support/derivation.js';
import { writeSyntheticSeries } from '../test/support/synthetic-series.js';
import { median, report } from './report.js';

const runs = 41;
const data = fileURLToPath(new URL('../../../shared/data/', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'limpid-bench-derive-'));

/** Colour is read in ultrasound alone: a colour sample of another class is described as one, for its coding's sake. */
function descriptionOf(dataSet: DataSet): PixelDescription | Reason {
  const found = pixelDescription(dataSet);
  if (!isReason(found) || found.code !== 'COLOUR' || !isColour(found.detail)) return found;
  const [rows, columns] = [number(dataSet, 'Rows') ?? 0, number(dataSet, 'Columns') ?? 0];
  const samples = { samples: 3, bitsAllocated: 8, bitsStored: 8, signed: false, byPlanes: false } as const;
  const plain = { frames: 1, slope: 1, intercept: 0, padding: null };
  return { rows, columns, ...samples, photometric: found.detail, ...plain };
}

function source(file: string): SourceInstance {
  const instance = readInstance(new Uint8Array(readFileSync(file)));
  const description = descriptionOf(instance.dataSet);
  if (isReason(description)) throw new Error(`${file}: ${description.code}`);
  return { ...instance, description };
}

/** Milliseconds of this process's cores: median of runs, the first ones left out. */
async function cost(work: () => unknown, count: number): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < count + 5; run++) {
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    if (run >= 5) times.push((user + system) / 1000);
  }
  return median(times);
}

/** Milliseconds of a core that a program takes, its start included; null where it fails. */
function toolCost(command: string, args: readonly string[]): number | null {
  const times: number[] = [];
  for (let run = 0; run < 5; run++) {
    const timed = ['-c', 'TIMEFORMAT="%U %S"; time "$@" >/dev/null 2>/dev/null', '-', command, ...args];
    const { stderr, status } = spawnSync('bash', timed, { encoding: 'utf8' });
    if (status !== 0) return null;
    const [user = 0, system = 0] = stderr.trim().split(/\s+/).map(Number);
    times.push(1000 * (user + system));
  }
  return median(times);
}

const dcmtk: Readonly<Record<string, string>> = { jpeg: 'dcmdjpeg', jpegls: 'dcmdjpls', rle: 'dcmdrle' };

interface Decoding {
  readonly syntax: string;
  readonly image: string;
  readonly limpidMs: number;
  /** Whole programs, start included: null where they do not decode it. */
  readonly dcmtkMs: number | null;
  readonly gdcmMs: number | null;
}

async function decoding(file: string): Promise<Decoding> {
  const path = join(data, file);
  const { dataSet, description, part10 } = source(path);
  const syntax = transferSyntax(part10.transferSyntaxUid);
  const tool = dcmtk[syntax?.coding ?? ''];
  // Deflated: nothing is left to decode once the file is read.
  const reading = syntax?.deflated === true ? () => readInstance(new Uint8Array(readFileSync(path))) : () => undefined;
  const limpidMs = await cost(() => {
    reading();
    return decodePixels(dataSet, description, part10.transferSyntaxUid);
  }, 15);
  const raw = join(folder, 'raw.dcm');
  return {
    syntax: syntax?.name ?? '',
    image: `${description.columns} x ${description.rows}, ${description.bitsStored} bits${description.samples === 3 ? ', colour' : ''}`,
    limpidMs,
    dcmtkMs: tool === undefined ? null : toolCost(tool, [path, raw]),
    gdcmMs: toolCost('gdcmconv', ['--raw', path, raw]),
  };
}

/** One file a coding, of 512 x 512 where there is one. */
const samples = [
  'ct/chest-1mm-philips-brilliance16/001.dcm',
  'transfer-syntaxes/rle_ct_16s_toshiba-xpress.dcm',
  'transfer-syntaxes/jpeg-extended-12bit_mr.dcm',
  'transfer-syntaxes/jpeg-lossless-p14_mr_12u.dcm',
  'transfer-syntaxes/jpeg-lossless-sv1_ct_12u.dcm',
  'ct/acr-phantom-3mm-80kv-siemens-drive/001.dcm',
  'transfer-syntaxes/j2k-lossless_ct_13s_supria.dcm',
  'transfer-syntaxes/j2k-lossy_mr_16s_ge-knee.dcm',
  'transfer-syntaxes/explicit-be_mr_16s.dcm',
  'transfer-syntaxes/deflated_mr_12u.dcm',
  'transfer-syntaxes/jpeg-baseline_sc_ybr422.dcm',
  'transfer-syntaxes/jpegls-near-lossless_mr_12u.dcm',
  'transfer-syntaxes/htj2k-lossless_rgb.dcm',
];

try {
  const shape = { modality: 'CT', rows: 512, columns: 512, noise: 25, seed: 1, slices: 1 } as const;
  const { files } = await writeSyntheticSeries(folder, shape);
  const slice = source(files[0] ?? '');
  const stored = await decodePixels(slice.dataSet, slice.description, slice.part10.transferSyntaxUid);
  const plan = planFor([slice]);
  const out = join(folder, 'derived.dcm');
  const figures = { noiseBefore: 24.1, noiseAfter: 14.5 };
  const build = await cost(() => deriveInstance(slice, plan, stored, figures, 2e12), runs);
  const written = await cost(() => writeFileSync(out, deriveInstance(slice, plan, stored, figures, 2e12)), runs);
  const decoded: Decoding[] = [];
  if (existsSync(data)) for (const file of samples) decoded.push(await decoding(file));
  report(
    'derive',
    [
      { what: 'building and writing a derived CT slice of 512 x 512', value: written, unit: 'ms', atMost: 3 },
      { what: 'building it', value: build, unit: 'ms' },
      ...decoded.flatMap(({ syntax, image, limpidMs, dcmtkMs, gdcmMs }) => [
        { what: `${syntax}, ${image}: limpid`, value: limpidMs, unit: 'ms' },
        ...(dcmtkMs === null ? [] : [{ what: `${syntax}: DCMTK, a process`, value: dcmtkMs, unit: 'ms' }]),
        ...(gdcmMs === null ? [] : [{ what: `${syntax}: GDCM, a process`, value: gdcmMs, unit: 'ms' }]),
      ]),
    ],
    { runs },
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
