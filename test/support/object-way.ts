// One object on its way through everything that reads it: scanner, gate, decoder, derivation and check, as the roles run them.
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { configSchema } from '../../src/config/schema.js';
import { readInstanceHeader } from '../../src/dicom/file.js';
import { readPart10 } from '../../src/dicom/part10.js';
import { explicitLittleEndian, sopClasses } from '../../src/dicom/uids.js';
import { text } from '../../src/dicom/values.js';
import type { InstanceSummary } from '../../src/derive/check-series.js';
import type { DerivationPlan } from '../../src/derive/plan.js';
import type { FramePart } from '../../src/derive/frame-part.js';
import { fingerprintsOf } from '../../src/enhance/fingerprint.js';
import type { SliceMethods } from '../../src/enhance/methods.js';
import type { Pool } from '../../src/threads/pool.js';
import { LimpidError } from '../../src/errors.js';
import { defaultLimits } from '../../src/io/dimse/limits.js';
import { openWalk } from '../../src/io/dimse/walk.js';
import { decideGate } from '../../src/route/decide-gate.js';
import type { GateCard } from '../../src/route/gate-card.js';
import { readSeriesFacts } from '../../src/route/read-facts.js';
import type { SeriesRecord } from '../../src/spool/records.js';
import { keyOf } from '../../src/spool/key.js';
import { planFor } from './derivation.js';

export type Slices = Pool<SliceMethods<DerivationPlan, FramePart, InstanceSummary>>;

export interface WayPorts {
  readonly slices: Slices;
  readonly folder: string;
  /** A step of the decoder that takes longer ends its thread. */
  readonly deadlineMs: number;
}

/** What each reader says: null where it was not asked, as one before it had refused. */
export interface WayOutcome {
  /** `stored`, or why the receiver refuses the data set. */
  readonly scanner: string;
  /** `run` or reason codes. */
  readonly gate: string;
  /** `decoded`, a reason code, a failure code or `DEADLINE`. */
  readonly decoder: string;
  /** `derived`, `withheld`, a failure code or `DEADLINE`; null for what is not decoded. */
  readonly result: string | null;
}

const vendorMarks = configSchema.parse({ node: { aeTitle: 'LIMPID' } }).gate.vendorMarks();
const card: GateCard = {
  id: 'filter',
  modality: ['CT', 'MR'],
  intendedUse: {
    says: '',
    minimumAgeYears: null,
    minimumSlices: 1,
    sliceThicknessMm: null,
    pixelSpacingMm: null,
    magneticFieldStrengthT: null,
    matrix: { atLeast: 1, atMost: 4096 },
  },
};

async function scanned(bytes: Uint8Array): Promise<{ verdict: string; transferSyntaxUid: string }> {
  let transferSyntaxUid = explicitLittleEndian;
  let offset = 0;
  try {
    ({ transferSyntaxUid, dataSetOffset: offset } = readPart10(bytes));
  } catch (error) {
    if (!(error instanceof LimpidError)) throw error;
  }
  const walk = openWalk(transferSyntaxUid, defaultLimits);
  for (let at = offset; at < bytes.length; at += 16_384) {
    walk.push(bytes.subarray(at, at + 16_384));
    await walk.drained();
  }
  const { fault } = await walk.end();
  // Which fault, without the place.
  return {
    verdict: fault === null ? 'stored' : fault.replace(/[(]?[0-9a-f]{4},[0-9a-f]{4}[)]?|\d+/g, '#'),
    transferSyntaxUid,
  };
}

async function gated(file: string, transferSyntaxUid: string): Promise<string> {
  const record: SeriesRecord = {
    version: 1,
    key: keyOf('1', '2'),
    revision: 1,
    cause: 'arrival',
    closed: 'quiet',
    openedAt: '2026-01-01T00:00:00Z',
    closedAt: '2026-01-01T00:01:00Z',
    studyInstanceUid: '1',
    seriesInstanceUid: '2',
    sources: [],
    remake: 1,
    action: null,
    instances: [{ file, sopInstanceUid: '1.2', sopClassUid: '', transferSyntaxUid, sha256: '0'.repeat(64), bytes: 0 }],
    variants: [],
    warnings: [],
  };
  const facts = await readSeriesFacts(record, () => file, { tags: new Set(), marks: vendorMarks });
  const { verdict, reasons } = decideGate(facts, card, { lift: ['DERIVED', 'LOSSY'], minimumSlices: 1 }, vendorMarks);
  return verdict === 'run' ? 'run' : reasons.map(({ code }) => code).join(' ');
}

/** A call to the decoder's thread: its failure code, `DEADLINE` where the thread was ended. */
async function called<T>(call: Promise<T>): Promise<T | string> {
  try {
    return await call;
  } catch (error) {
    if (!(error instanceof LimpidError)) throw error;
    return error.message.startsWith('no answer within')
      ? 'DEADLINE'
      : `${error.code}${error.code === 'INTERNAL' ? `: ${error.message}` : ''}`;
  }
}

/**
 * Sends an object all the way, also where the gate would end it: a decoder must stand what the gate lets through by mistake.
 * Anything that is thrown is a fault of limpid.
 */
export async function wayOf(bytes: Uint8Array, { slices, folder, deadlineMs }: WayPorts): Promise<WayOutcome> {
  const file = join(folder, 'object.dcm');
  const outFile = join(folder, 'derived.dcm');
  await writeFile(file, bytes);
  await rm(outFile, { force: true });
  const { verdict, transferSyntaxUid } = await scanned(bytes);
  const gate = await gated(file, transferSyntaxUid);
  const thread = slices.least();
  // The thread keeps multi-frame objects open by their paths.
  await thread.call('drop', 'all', { deadlineMs: null });
  const modality = isCt(bytes) ? 'CT' : 'MR';
  const prepared = await called(
    thread.call('prepare', { file, frame: 0, modality, padding: 'kept', guess: 10 }, { deadlineMs }),
  );
  if (typeof prepared === 'string') return { scanner: verdict, gate, decoder: prepared, result: null };
  if ('refused' in prepared) return { scanner: verdict, gate, decoder: prepared.refused.code, result: null };
  const { values, map } = prepared;
  const alone = { before: null, after: null };
  const residual = { residual: new Float32Array(values.length), ...fingerprintsOf(values, map, alone) };
  const finished = await called(
    thread.call(
      'finish',
      {
        work: prepared.work,
        residual,
        blend: 1,
        loud: null,
        smoothLimit: null,
        judged: false,
        isLent: false,
        context: [],
        plan: planOf(bytes),
        outFile,
        mapFile: null,
        nowMs: 2e12,
      },
      { deadlineMs },
    ),
  );
  const result = typeof finished === 'string' ? finished : finished.faults.length === 0 ? 'derived' : 'withheld';
  return { scanner: verdict, gate, decoder: 'decoded', result };
}

function isCt(bytes: Uint8Array): boolean {
  try {
    return text(readInstanceHeader(bytes).dataSet, 'SOPClassUID') === sopClasses.ct;
  } catch (error) {
    if (!(error instanceof LimpidError)) throw error;
    return false;
  }
}

function planOf(bytes: Uint8Array): DerivationPlan {
  const { dataSet, part10 } = readInstanceHeader(bytes);
  return planFor([{ bytes, part10, dataSet }], 0);
}
