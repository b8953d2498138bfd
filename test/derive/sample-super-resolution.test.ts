// Super-resolution of the sample series, one slice of each: gate, task, and the judge from outside.
import { cpuDevice } from '../support/cpu-device.js';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect } from '@jest/globals';
import { checkSeries, judgeMissing } from '../process/check-series.js';
import { enhanceSample, sampleSets } from '../support/sample-sets.js';
import { itWithData, sharedData } from '../support/shared-data.js';
import { modelsDirectory } from '../support/shipped-models.js';

/** The only one that is refused: de-identification emptied its UIDs. */
const withoutIdentity = 'ct/abdomen-3mm-siemens-biograph40-mct';

describe('super-resolution of every CT and MR series of the samples', () => {
  itWithData(
    'passes the judge',
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'limpid-fine-'));
      const device = cpuDevice();
      try {
        const sets = sampleSets().filter(({ name }) => /^(ct|mr)\//.test(name));
        for (const [index, { name, files }] of sets.entries()) {
          const middle = files[files.length >> 1] ?? '';
          const own = join(folder, String(index));
          const model = `${name.slice(0, 2)}-super-resolution-x2`;
          const one = { name, files: [middle] };
          const { verdict, objects } = await enhanceSample(one, device, modelsDirectory, own, model);
          expect([name, verdict]).toEqual([name, name === withoutIdentity ? 'no identity' : 'enhanced']);
          if (verdict !== 'enhanced' || judgeMissing() !== null) continue;
          const sources = join(own, 'sources');
          await mkdir(sources);
          await copyFile(sharedData(middle) ?? '', join(sources, 'source.dcm'));
          expect([name, await checkSeries(sources, objects)]).toEqual([name, 'PASS']);
        }
      } finally {
        await device.close();
        await rm(folder, { recursive: true, force: true });
      }
    },
    300_000,
  );
});
