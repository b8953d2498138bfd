// The reconciler: what is left to do is looked at each minute, whatever else fails.
import { once } from 'node:events';
import { hostname } from 'node:os';
import { expect, it } from '@jest/globals';
import { startReconciler } from '../../src/node/reconcile.js';
import { openLog } from '../../src/observe/log.js';
import { keyOf } from '../../src/spool/key.js';
import type { Key } from '../../src/spool/key.js';
import { openSpool } from '../../src/spool/open-spool.js';
import { key } from '../support/records.js';
import { withFolder } from '../support/temporary.js';

it('looks at every active series also where temporary folders cannot be cleared away', async () => {
  await withFolder(async (directory) => {
    const spool = await openSpool({ directory, sync: 'never', host: hostname(), now: Date.now });
    await spool.active.mark(key);
    spool.sweepTemporary = () => Promise.reject(new Error('no permission'));
    const looks = new EventTarget();
    let minutes = 0;
    let seen = 0;
    const reconciler = startReconciler({
      spool,
      advance: () => {
        seen += 1;
        looks.dispatchEvent(new Event('look'));
        return Promise.resolve();
      },
      log: openLog('silent'),
      monotonic: () => 60_000 * minutes++, // each look is a minute behind the one before
    });
    try {
      const signal = AbortSignal.timeout(4000);
      await once(looks, 'look', { signal });
      await once(looks, 'look', { signal });
      expect(seen).toBe(2);
    } finally {
      await reconciler.close();
      await spool.close();
    }
  });
});

it('looks at what a person has just touched before the rest of a long turn', async () => {
  await withFolder(async (directory) => {
    const spool = await openSpool({ directory, sync: 'never', host: hostname(), now: Date.now });
    const series = Array.from({ length: 12 }, (_, i) => keyOf('1.2.3', `1.2.3.${i}`));
    for (const each of series) await spool.active.mark(each);
    const looked: Key[] = [];
    let touched: Key | undefined;
    const all = new EventTarget();
    let seconds = 0;
    const reconciler = startReconciler({
      spool,
      advance: async (each) => {
        looked.push(each);
        if (looked.length === 3) {
          touched = series.findLast((other) => !looked.includes(other));
          if (touched !== undefined) await spool.active.touch(touched);
        }
        if (looked.length === series.length) all.dispatchEvent(new Event('all'));
      },
      log: openLog('silent'),
      monotonic: () => 1000 * seconds++, // each series takes a second
    });
    try {
      await once(all, 'all', { signal: AbortSignal.timeout(4000) });
      expect(looked[3]).toBe(touched);
      expect(new Set(looked)).toEqual(new Set(series)); // each once
    } finally {
      await reconciler.close();
      await spool.close();
    }
  });
});
