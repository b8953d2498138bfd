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
