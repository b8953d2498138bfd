// Some hundred damaged files of the sample data through scanner, gate, decoder and derivation; `tools/fuzz-objects.ts` takes as many as wanted.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { openPool } from '../../src/threads/pool.js';
import { mutated } from '../support/mutate.js';
import { wayOf } from '../support/object-way.js';
import type { Slices } from '../support/object-way.js';
import { itWithData, sharedBytes, sharedFiles } from '../support/shared-data.js';

itWithData(
  'every damaged object ends with an outcome, and nothing else happens',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'limpid-damaged-'));
    const slices: Slices = openPool(new URL('../../src/task/slice-thread.js', import.meta.url), 1);
    const files = sharedFiles('').filter((file) => sharedBytes(file).length < 40_000);
    const seen = new Set<string>();
    try {
      for (let seed = 1; seed <= 300; seed++) {
        const { file, bytes } = mutated(seed, files, sharedBytes);
        const outcome = await wayOf(bytes, { slices, folder, deadlineMs: 60_000 });
        expect([seed, file, JSON.stringify(outcome)]).not.toEqual([seed, file, expect.stringContaining('INTERNAL')]);
        seen.add(outcome.decoder).add(outcome.result ?? '');
      }
      // Worth something only if it reaches each end.
      expect([...seen]).toEqual(expect.arrayContaining(['decoded', 'derived', 'DICOM_MALFORMED', 'DICOM_UNDECODABLE']));
    } finally {
      await Promise.all(slices.all().map((thread) => thread.end()));
      await rm(folder, { recursive: true });
    }
  },
  300_000,
);
