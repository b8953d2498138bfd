// What an earlier process kept is read again by its header alone, whatever its size.
import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { readArrival } from '../../src/assemble/read-arrival.js';
import { encodeElement } from '../../src/dicom/element.js';
import { arrivalMeta } from '../../src/spool/arrival.js';
import { key } from '../support/records.js';
import { withFolder } from '../support/temporary.js';

const sopClassUid = '1.2.840.10008.5.1.4.1.1.3.1';
const identity = { sopClassUid, sopInstanceUid: '1.1', transferSyntaxUid: '1.2.840.10008.1.2.1' };
const source = { peer: 'us1', callingAe: 'US1', calledAe: 'LIMPID', address: '127.0.0.1' };
const meta = arrivalMeta(identity, { ...source, port: 104 }, 0);
const header = [
  encodeElement(0x00080016, 'UI', sopClassUid),
  encodeElement(0x00080018, 'UI', '1.1'),
  encodeElement(0x00080060, 'CS', 'US'),
];

describe('an instance of an earlier process', () => {
  it('is read of any size', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'large.dcm');
      const pixels = Buffer.from('e07f10004f420000', 'hex');
      const length = Buffer.alloc(4);
      length.writeUInt32LE(3e9);
      const start = Buffer.concat([meta, ...header, pixels, length]);
      await writeFile(path, start);
      await truncate(path, start.length + 3e9);
      expect(await readArrival(path, key, 'large')).toMatchObject({
        kind: 'stored',
        instance: { sopInstanceUid: '1.1', sopClassUid, bytes: start.length - meta.length + 3e9 },
        source,
        facts: { modality: 'US' },
      });
    });
  });
  it('is read without pixels, and with a header longer than the first look', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'report.dcm');
      const long = encodeElement(0x00204000, 'LT', 'x'.repeat(10_000));
      const comments = Array.from({ length: 20 }, (_, index) =>
        encodeElement(0x00400000 + index, 'UT', long.toString()),
      );
      await writeFile(path, Buffer.concat([meta, ...header, ...comments]));
      expect(await readArrival(path, key, 'report.0a1b2c3d')).toMatchObject({
        kind: 'variant',
        facts: { modality: 'US' },
      });
      await writeFile(path, 'no DICOM');
      expect(await readArrival(path, key, 'report')).toBeNull();
    });
  });
});
