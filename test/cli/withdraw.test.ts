import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { withdrawCommand } from '../../src/cli/withdraw.js';
import { keyOf } from '../../src/spool/key.js';
import { openSpool } from '../../src/spool/open-spool.js';
import { decisionRecord, key, outcomeRecord, seriesRecord } from '../support/records.js';
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
