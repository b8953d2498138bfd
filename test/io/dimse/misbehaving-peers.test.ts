// DCMTK's storescp told to misbehave: what limpid makes of it, and that an instance counts as delivered only where it was answered.
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { send } from '../../../src/io/dimse/scu.js';
import { type StoreScpPeer, describeWithPeers, startStoreScp } from '../../support/peers.js';
import { type TestFiles, writeTestFiles } from '../../support/part10-files.js';
import { silentLog } from '../../support/test-scp.js';

let files: TestFiles;
beforeAll(async () => {
  files = await writeTestFiles([1, 2, 3].map((index) => ({ sopInstanceUid: `1.2.3.7.${index}`, pixelBytes: 100_000 })));
});
afterAll(() => files.remove());

describeWithPeers(['storescp'], 'storescp that misbehaves', () => {
  let peer: StoreScpPeer | null = null;
  afterEach(async () => {
    await peer?.stop();
    peer = null;
  });
  const sendTo = async (...args: string[]) => {
    peer = await startStoreScp({ args });
    const target = { aeTitle: 'STORESCP', host: '127.0.0.1', port: peer.port, callingAe: 'LIMPID' };
    const started = performance.now();
    const { association, outcomes } = await send(target, files.instances, { associations: 1, log: silentLog });
    return { association, classes: outcomes.map((outcome) => outcome.class), ms: performance.now() - started };
  };

  it('--refuse: one event for the association, nothing delivered', async () => {
    const { association, classes } = await sendTo('--refuse');
    expect(association).toMatchObject({
      code: 'DIMSE_REJECTED',
      phase: 'connecting',
      rejection: { result: 1, source: 1, reason: 1 },
    });
    expect(classes).toEqual(['permanent', 'permanent', 'permanent']); // by this triple: an operator must see to it
  });
  it.each(['--abort-after', '--abort-during'])(
    '%s: nothing counts as delivered, all of it is sent again',
    async (way) => {
      const { association, classes } = await sendTo(way);
      expect(association).toMatchObject({ class: 'transient', phase: 'established' });
      expect(classes).toEqual(['transient', 'transient', 'transient']);
    },
  );
  it.each(['--sleep-after', '--sleep-during'])('%s: answers that come late are waited for', async (way) => {
    const { association, classes, ms } = await sendTo(way, '1');
    expect(association).toBeNull();
    expect(classes).toEqual(['delivered', 'delivered', 'delivered']);
    expect(ms).toBeGreaterThan(2000);
    expect(await peer?.files()).toHaveLength(3);
  });
});
