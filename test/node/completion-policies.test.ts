import { describe, expect, it } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { completionPolicies } from '../../src/node/completion-policies.js';
import { configSchema } from '../../src/config/schema.js';
import { openLog } from '../../src/observe/log.js';
import type { Arrival } from '../../src/spool/arrival.js';
import { keyOf } from '../../src/spool/key.js';
import { assemblyFacts } from '../support/assembly-facts.js';
import { syntheticCt } from '../support/derivation.js';
import { withFolder } from '../support/temporary.js';

const defaults = { quietMs: 60_000, releasedMs: 5_000, gapsMs: 120_000, longestMs: 1_800_000 };
const config = (rules: unknown): ReturnType<typeof configSchema.parse> =>
  configSchema.parse({
    node: { aeTitle: 'LIMPID' },
    peers: { slow: { aeTitle: 'CT2', assemble: { quiet: '120s' } }, ct1: { aeTitle: 'CT1' } },
    rules,
  });
const arrivalOf = (peer: string, file = '0'): Arrival => ({
  key: keyOf('1', '2'),
  kind: 'stored',
  instance: { file, sopInstanceUid: '1', sopClassUid: '2', transferSyntaxUid: '3', sha256: '', bytes: 0 },
  source: { peer, callingAe: 'CT1', calledAe: 'LIMPID', address: '127.0.0.1' },
  association: 1,
  facts: assemblyFacts(),
});
const policyOf = (rules: unknown, peer: string, file?: string) =>
  withFolder(async (folder) => {
    await writeFile(join(folder, '0'), syntheticCt(0));
    const layout = { instance: (_key: string, name: string) => join(folder, name) };
    return completionPolicies({ config: config(rules), layout, log: openLog('silent') })(arrivalOf(peer, file));
  });

describe('when a series is complete', () => {
  it("is the node's word, or its source's", async () => {
    expect(await policyOf([], 'ct1')).toEqual(defaults);
    expect(await policyOf([], 'unknown')).toEqual(defaults);
    expect(await policyOf([], 'slow')).toEqual({ ...defaults, quietMs: 120_000 });
  });

  it('is the word of the rules that the first instance matches, the later one over the earlier', async () => {
    const rules = [
      { name: 'mr', when: { Modality: 'MR' }, forward: ['ct1'], assemble: { quiet: '1s' } },
      { name: 'ct', when: { Modality: 'CT' }, continue: true, forward: ['ct1'], assemble: { quiet: '2s', gaps: '3s' } },
      { name: 'sharp', when: { ConvolutionKernel: 'Br38f' }, forward: ['ct1'], assemble: { gaps: '4s' } },
      { name: 'rest', forward: ['ct1'], assemble: { quiet: '5s' } },
    ];
    expect(await policyOf(rules, 'slow')).toEqual({ ...defaults, quietMs: 2_000, gapsMs: 4_000 });
  });

  it("falls back on its source's where the instance is away", async () => {
    const rules = [{ name: 'rest', forward: ['ct1'], assemble: { quiet: '5s' } }];
    expect(await policyOf(rules, 'slow', 'away')).toEqual({ ...defaults, quietMs: 120_000 });
  });
});
