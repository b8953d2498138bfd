// Sources that are damaged anywhere: derived and checked, or refused with a LimpidError; never a crash.
import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readInstance } from '../../src/dicom/file.js';
import { isReason, pixelDescription } from '../../src/dicom/pixel-description.js';
import { decodePixels } from '../../src/dicom/pixels.js';
import { LimpidError } from '../../src/errors.js';
import { checkInstance } from '../../src/derive/check.js';
import { deriveInstance } from '../../src/derive/derive-instance.js';
import { planFor, syntheticCt } from '../support/derivation.js';

const whole = syntheticCt(0);
const header = whole.length - 2048;

async function outcome(bytes: Uint8Array): Promise<string> {
  try {
    const instance = readInstance(bytes);
    const description = pixelDescription(instance.dataSet);
    if (isReason(description)) return description.code;
    const stored = await decodePixels(instance.dataSet, description, instance.part10.transferSyntaxUid);
    const source = { ...instance, description, pixels: stored };
    const plan = planFor([source], 0);
    const derived = deriveInstance(source, plan, stored, { noiseBefore: 1, noiseAfter: 1 }, 2e12);
    const faults = checkInstance(source, derived, plan);
    return faults.length === 0 ? 'derived' : 'withheld';
  } catch (error) {
    if (error instanceof LimpidError) return error.code;
    throw error;
  }
}

it('a source with damaged bytes is derived, withheld or refused', async () => {
  const seen = new Set<string>();
  const damage = fc.array(fc.tuple(fc.integer({ min: 132, max: header }), fc.nat(255)), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(damage, async (changes) => {
      const bytes = whole.slice();
      for (const [at, value] of changes) bytes[at] = value;
      seen.add(await outcome(bytes));
    }),
    { numRuns: 1500, seed: 7 },
  );
  // The property is worth something only if it reaches each end; what is damaged at random never gets as far as 'withheld'.
  expect([...seen]).toEqual(expect.arrayContaining(['derived', 'DERIVE_CHECK_FAILED', 'DICOM_MALFORMED']));
});

it('a source that is cut anywhere is refused', async () => {
  for (let length = 0; length < whole.length; length += 7) {
    expect([length, await outcome(whole.subarray(0, length))]).not.toEqual([length, 'derived']);
  }
});
