// A derived series that is withdrawn once more, as a peer has refused to hear of it.
import { expect, it } from '@jest/globals';
import { openSpool } from '../../src/spool/open-spool.js';
import type { DeliveryClass, OutcomeRecord } from '../../src/spool/records.js';
import { nextSteps } from '../../src/spool/state.js';
import { toDo } from '../../src/spool/to-do.js';
import { viewOf } from '../../src/spool/view-of.js';
import { withdrawSeries } from '../../src/spool/withdraw.js';
import {
  actionRecord,
  at,
  decisionRecord,
  deliveryRecord,
  key,
  outcomeRecord,
  resolvedTask,
  seriesRecord,
} from '../support/records.js';
import { withFolder } from '../support/temporary.js';

const choice = { task: null, reason: 'quality', because: 'processing', why: '' } as const;
const who = { by: 'operator', at };
const judge = { givenUp: () => false, wait: () => null };

function documentOf(task: string): OutcomeRecord {
  const made = outcomeRecord(['1.1'], { task, outcome: 'withdrawal', seriesInstanceUid: null });
  return { ...made, instances: made.instances.map((one) => ({ ...one, sopInstanceUid: `${task}.1` })) };
}

it.each([
  ['refused', 'permanent', null],
  ['discarded before it was taken', 'transient', { kind: 'discard', task: 'withdrawal-01', peer: 'archive' }],
] as const)(
  'is told to the peer alone by which that was %s, also where retention has taken its pixels away',
  async (_, word, discard) => {
    await withFolder(async (directory) => {
      const spool = await openSpool({ directory, sync: 'never', host: 'test', now: Date.now });
      const sent = (task: string, peer: string, of: Readonly<Record<string, DeliveryClass>>): Promise<void> =>
        spool.recordDelivery(key, 1, task, { ...deliveryRecord(of), peer });
      const steps = async () => nextSteps(await spool.state(key)).steps;
      const ended = async () => viewOf(await spool.state(key), judge).state;
      const { name } = resolvedTask();
      await spool.publishRevision(seriesRecord(1, ['1.1']));
      await spool.publishDecision(decisionRecord(1, { tasks: [resolvedTask({ deliver: ['archive', 'pacs'] })] }));
      await spool.publishOutcome(key, 1, outcomeRecord(['1.1']), null);
      for (const peer of ['archive', 'pacs']) await sent(name, peer, { '1.1.9': 'delivered' });
      await spool.publishSwept(key, 1, { version: 1, at, instances: 1, bytes: 100 });
      await withdrawSeries(spool, key, choice, who);
      await spool.publishOutcome(key, 1, documentOf('withdrawal-01'), null);
      await sent('withdrawal-01', 'pacs', { 'withdrawal-01.1': 'delivered' });
      await sent('withdrawal-01', 'archive', { 'withdrawal-01.1': word });
      if (discard === null) {
        const { key: of, state, revisions } = viewOf(await spool.state(key), judge);
        const withdraw = `limpid series withdraw ${key} --reason quality`;
        expect(toDo({ key: of, state, revisions }).map(({ command }) => command)).toEqual([
          withdraw,
          `limpid series discard ${key}`,
        ]);
      } else {
        await expect(withdrawSeries(spool, key, choice, who)).rejects.toMatchObject({ code: 'SPOOL_NOTHING_MADE' });
        await spool.recordAction(key, actionRecord(discard));
      }
      await withdrawSeries(spool, key, choice, who);
      await expect(withdrawSeries(spool, key, choice, who)).rejects.toMatchObject({ code: 'SPOOL_NOTHING_MADE' });
      expect(await steps()).toEqual([{ kind: 'task', revision: 1, task: 'withdrawal-02' }]);
      await spool.publishOutcome(key, 1, documentOf('withdrawal-02'), null);
      expect(await steps()).toEqual([{ kind: 'deliver', revision: 1, task: 'withdrawal-02', peer: 'archive' }]);
      await sent('withdrawal-02', 'archive', { 'withdrawal-02.1': 'delivered' });
      expect(await ended()).toBe('done');
      const view = viewOf(await spool.state(key), judge);
      expect(view.actions.at(-1)?.says).toBe(`withdraw of ${name} once more for quality, processing`);
      expect(
        view.revisions[0]?.deliveries.find((one) => one.task === 'withdrawal-01' && one.peer === 'archive')?.says,
      ).toBe('Ended after 0 of 1 instance: the withdrawal was asked for again.');
      await expect(withdrawSeries(spool, key, choice, who)).rejects.toMatchObject({ code: 'SPOOL_NOTHING_MADE' });
      await spool.close();
    });
  },
);
