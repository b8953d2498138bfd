// Part 10 files for sending: written into a temporary folder from data sets.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeFileMeta } from '../../src/dicom/part10.js';
import type { Outgoing } from '../../src/io/dimse/outgoing.js';
import { ctClass, dataSet, explicitLittle } from './dimse-bytes.js';

export interface TestFiles {
  readonly instances: Outgoing[];
  /** The data set of an instance. */
  readonly bytes: (sopInstanceUid: string) => Buffer;
  readonly remove: () => Promise<void>;
}

export interface TestFileValues {
  readonly sopInstanceUid: string;
  readonly sopClassUid?: string;
  readonly transferSyntaxUid?: string;
  readonly pixelBytes?: number;
}

/** Writes one file for each; the data sets are Explicit VR Little Endian whatever the syntax is called. */
export async function writeTestFiles(values: readonly TestFileValues[]): Promise<TestFiles> {
  const folder = await mkdtemp(join(tmpdir(), 'limpid-files-'));
  const byUid = new Map<string, Buffer>();
  const instances: Outgoing[] = [];
  for (const {
    sopInstanceUid,
    sopClassUid = ctClass,
    transferSyntaxUid = explicitLittle,
    pixelBytes = 40_000,
  } of values) {
    const bytes = dataSet({ sopInstanceUid, sopClassUid, pixelBytes });
    const file = join(folder, `${instances.length}.dcm`);
    await writeFile(file, Buffer.concat([writeFileMeta({ sopClassUid, sopInstanceUid, transferSyntaxUid }), bytes]));
    byUid.set(sopInstanceUid, bytes);
    instances.push({ file, sopClassUid, sopInstanceUid, transferSyntaxUid });
  }
  return {
    instances,
    bytes: (uid) => byUid.get(uid) ?? Buffer.alloc(0),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
