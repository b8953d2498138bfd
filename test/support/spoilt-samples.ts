// Data sets of small sample files, spoilt by a seed.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readPart10 } from '../../src/dicom/part10.js';
import { LimpidError } from '../../src/errors.js';
import { mutated } from './mutate.js';

const largest = 100_000;

/** @returns gives the spoilt data set of a seed; where the file meta group is spoilt as well, everything behind the preamble */
export function spoiltSamples(folder: string): (seed: number) => { bytes: Buffer; syntax: string } {
  const files = new Map<string, Uint8Array>();
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted()) {
    if (!name.endsWith('.dcm')) continue;
    const bytes = new Uint8Array(readFileSync(join(folder, name)));
    if (bytes.length <= largest) files.set(name, bytes);
  }
  const names = [...files.keys()];
  const read = (name: string): Uint8Array => files.get(name) ?? new Uint8Array(0);
  return (seed) => {
    const { bytes } = mutated(seed, names, read);
    const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    try {
      const { dataSetOffset, transferSyntaxUid } = readPart10(bytes);
      return { bytes: whole.subarray(dataSetOffset), syntax: transferSyntaxUid };
    } catch (error) {
      if (!(error instanceof LimpidError)) throw error;
      return { bytes: whole.subarray(132), syntax: '1.2.840.10008.1.2.1' };
    }
  };
}
