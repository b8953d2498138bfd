import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { withdrawCommand } from '../../src/cli/withdraw.js';
import { keyOf } from '../../src/spool/key.js';
import { openSpool } from '../../src/spool/open-spool.js';
import { decisionRecord, key, outcomeRecord, resolvedTask, seriesRecord } from '../support/records.js';
import { withFolder } from '../support/temporary.js';

const options = { config: '', task: null, model: null, version: null, fromMs: null, toMs: null };
const silent = { out: () => undefined, err: () => undefined, terminal: false };

describe('a withdrawal', () => {
  it('for safety has no cause of low quality', async () => {
    await withFolder(async (directory) => {
      const spool = await openSpool({ directory, sync: 'never', host: 'here', now: Date.now });
      const withdraw = withdrawCommand(
        (_, body) => body(spool),
        { user: 'me', now: Date.now },
        silent,
        () => undefined,
      );
      const asked = { ...options, because: 'artifact', why: '', yes: false, json: false } as const;
      try {
        await expect(withdraw('1.2.3', { ...asked, reason: 'safety' })).rejects.toMatchObject({ code: 'USAGE' });
        await expect(withdraw('1.2.3', { ...asked, reason: 'quality' })).rejects.toMatchObject({
          code: 'SPOOL_NOTHING_MADE',
        });
        // digits alone begin a key, as for `series show`
        await expect(withdraw('4466', { ...asked, reason: 'quality' })).rejects.toMatchObject({
          code: 'SPOOL_UNKNOWN_SERIES',
        });
      } finally {
        await spool.close();
      }
    });
  });

  it('is not made where what narrows a recall stands beside a series, or lets nothing through', async () => {
    await withFolder(async (directory) => {
      const spool = await openSpool({ directory, sync: 'never', host: 'here', now: Date.now });
      const context = { user: 'me', now: Date.now };
      const withdraw = withdrawCommand(
        (_, body) => body(spool),
        context,
        silent,
        () => undefined,
      );
      const asked = { ...options, reason: 'quality', because: null, why: '', yes: true, json: false } as const;
      try {
        await spool.publishRevision(seriesRecord(1, ['1.1']));
        await spool.publishDecision(decisionRecord(1));
        await spool.recordAttempt(key, 1, outcomeRecord([]).task);
        await spool.publishOutcome(key, 1, outcomeRecord(['1.1']), null);
        for (const narrow of [{ version: '0.0.1' }, { fromMs: Date.now() }, { toMs: 0 }])
          await expect(withdraw(key, { ...asked, ...narrow })).rejects.toThrow('go with --model');
        const recall = { ...asked, model: 'ct-low-dose', fromMs: 2, toMs: 1 };
        await expect(withdraw(null, recall)).rejects.toThrow('--from lies behind --to');
        expect((await spool.state(key)).actions).toEqual([]);
      } finally {
        await spool.close();
      }
    });
  });

  it('of a model that has made nothing here is told as such, with those that have: a slip looks like nothing to recall', async () => {
    await withFolder(async (directory) => {
      const spool = await openSpool({ directory, sync: 'never', host: 'here', now: Date.now });
      const told: string[] = [];
      let failures = 0;
      const output = { ...silent, err: (text: string) => void told.push(text) };
      const withdraw = withdrawCommand(
        (_, body) => body(spool),
        { user: 'me', now: Date.now },
        output,
        () => void failures++,
      );
      const asked = { ...options, reason: 'safety', because: null, why: '', yes: true, json: false } as const;
      const always = { fromMs: 0, toMs: Date.now() };
      const none = 'no series of this spool was made by';
      try {
        await withdraw(null, { ...asked, ...always, model: 'ct-low-dose' });
        expect(told.splice(0)).toEqual([`${none} ct-low-dose; those here were made by no model`]);
        await spool.publishRevision(seriesRecord(1, ['1.1']));
        await spool.publishDecision(decisionRecord(1));
        await spool.recordAttempt(key, 1, outcomeRecord([]).task);
        await spool.publishOutcome(key, 1, outcomeRecord(['1.1']), null);
        const { version } = resolvedTask().model;
        await withdraw(null, { ...asked, ...always, model: 'ct-low-dos' });
        await withdraw(null, { ...asked, ...always, model: 'ct-low-dose', version: '9.9' });
        expect(told.splice(0)).toEqual([
          `${none} ct-low-dos; those here were made by ct-low-dose ${version}`,
          `${none} ct-low-dose 9.9; those here were made by ct-low-dose ${version}`,
        ]);
        expect(failures).toBe(3);
        // Nothing of it is left to withdraw, or it made nothing in that time: that is an answer.
        await withdraw(null, { ...asked, model: 'ct-low-dose', version, fromMs: 0, toMs: 1 });
        await withdraw(null, { ...asked, ...always, model: 'ct-low-dose', version });
        await withdraw(null, { ...asked, ...always, model: 'ct-low-dose', version });
        expect([told, failures]).toEqual([[], 3]);
      } finally {
        await spool.close();
      }
    });
  });

  it('of other series is made though the record of one is cut, which a recall names', async () => {
    await withFolder(async (directory) => {
      const spool = await openSpool({ directory, sync: 'never', host: 'here', now: Date.now });
      const told: string[] = [];
      let failures = 0;
      const output = { ...silent, err: (text: string) => void told.push(text) };
      const context = { user: 'me', now: Date.now };
      const withdraw = withdrawCommand(
        (_, body) => body(spool),
        context,
        output,
        () => void failures++,
      );
      const asked = { ...options, reason: 'safety', because: null, why: '', yes: true, json: false } as const;
      const cut = keyOf('1.2.3', '1.2.3.5');
      try {
        await spool.publishRevision(seriesRecord(1, ['1.1']));
        await spool.publishDecision(decisionRecord(1));
        await spool.recordAttempt(key, 1, outcomeRecord([]).task);
        await spool.publishOutcome(key, 1, outcomeRecord(['1.1']), null);
        await spool.publishRevision(seriesRecord(1, ['1.2'], { key: cut, seriesInstanceUid: '1.2.3.5' }));
        await writeFile(join(spool.layout.revision(cut, 1), 'series.json'), '{"version":1,');

        await expect(withdraw('2.25.2', asked)).rejects.toThrow('1 series cannot be read');
        await withdraw(null, { ...asked, model: 'ct-low-dose', fromMs: 0, toMs: Date.now(), yes: false });
        expect(told.splice(0)).toEqual([expect.stringContaining(`${cut}: Waits for a person, as it cannot be read`)]);
        expect(failures).toBe(1);
        await withdraw('2.25.1', asked);
        expect((await spool.state(key)).actions).toMatchObject([{ action: { kind: 'withdraw' } }]);
        expect([told, failures]).toEqual([[], 1]);
      } finally {
        await spool.close();
      }
    });
  });
});
