// Ten thousand cases of what any peer may send, LIMPID_FUZZ_RUNS for another number; `npm run fuzz` runs a million.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fuzzFiles, fuzzTargets } from '../../support/fuzz-dimse.js';
import { spoiltSamples } from '../../support/spoilt-samples.js';
import { itWithData, sharedData } from '../../support/shared-data.js';

const runs = Number(process.env['LIMPID_FUZZ_RUNS'] ?? 10_000);

async function holds(property: fc.IRawProperty<unknown>, cases: number): Promise<void> {
  await expect((async () => fc.assert(property, { numRuns: Math.ceil(cases) }))()).resolves.toBeUndefined();
}

describe('whatever comes', () => {
  for (const [name, { share, property }] of Object.entries(fuzzTargets)) {
    it(name, () => holds(property, runs * share), 600_000);
  }
  itWithData(
    'the walk over real files, spoilt, says the same however they are split',
    () => holds(fuzzFiles(spoiltSamples(sharedData('') ?? '')), runs / 20),
    600_000,
  );
});
