// Fragments as they are read from a file: what stands in them, whatever stood in the same memory before.
import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { DataSetReader } from '../../../src/io/dimse/data-set-reader.js';
import { withFolder } from '../../support/temporary.js';

it('a padding byte is NUL, also where something else has stood', async () => {
  await withFolder(async (folder) => {
    const path = join(folder, 'file');
    await writeFile(path, Buffer.alloc(1002, 0xff));
    const file = await open(path);
    try {
      const reader = new DataSetReader(100);
      const source = { descriptor: file.fd, contextId: 1, offset: 0 };
      for (let window = 0; window < 3; window++) {
        const { taken, end } = await reader.read({ ...source, bytes: 1000, padding: 0 }, 0);
        expect(end).toBe(1000);
        taken();
      }
      const { pdus, end, taken } = await reader.read({ ...source, bytes: 999, padding: 1 }, 0);
      taken();
      expect(end).toBe(1000);
      expect(pdus.length).toBe(10 * 112);
      expect([pdus.at(-2), pdus.at(-1)]).toEqual([0xff, 0]);
    } finally {
      await file.close();
    }
  });
});

it('reads for a peer that takes two bytes a PDU as much as the system reads by one call', async () => {
  await withFolder(async (folder) => {
    const path = join(folder, 'file');
    const bytes = Buffer.from(Uint8Array.from({ length: 100_000 }, (_, index) => index * 31 + (index >> 8)));
    await writeFile(path, bytes);
    const file = await open(path);
    try {
      const reader = new DataSetReader(2);
      const values: Buffer[] = [];
      for (let from = 0; from < bytes.length;) {
        const source = { descriptor: file.fd, contextId: 1, offset: 0, bytes: bytes.length, padding: 0 } as const;
        const { pdus, end, taken } = await reader.read(source, from);
        expect(pdus.length).toBeLessThanOrEqual(1024 * 14);
        for (let at = 12; at < pdus.length; at += 14) values.push(Buffer.from(pdus.subarray(at, at + 2)));
        taken();
        from = end;
      }
      expect(Buffer.concat(values).equals(bytes)).toBe(true);
    } finally {
      await file.close();
    }
  });
});
