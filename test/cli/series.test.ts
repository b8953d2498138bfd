import { describe, expect, it } from '@jest/globals';
import { seriesCommands } from '../../src/cli/series.js';
import { openSpool } from '../../src/spool/spool.js';
import { decisionRecord, key, outcomeRecord, seriesRecord } from '../support/records.js';
import { withFolder } from '../support/temporary.js';

const judge = { givenUp: () => false, wait: () => null };
const options = { config: '', json: false };

describe('a series of a command', () => {
  it('is named by its key, the beginning of that, its UID, or the UID of what was made of it', async () => {
    await withFolder(async (directory) => {
      const spool = await openSpool({ directory, sync: 'never', host: 'here', now: Date.now });
      const told: string[] = [];
      const output = { out: (text: string) => void told.push(text), err: () => undefined, terminal: false };
      const { show } = seriesCommands((_, __, body) => body(spool, judge), { user: 'me', now: Date.now }, output);
      try {
        await spool.publishRevision(seriesRecord(1, ['1.1']));
        await spool.publishDecision(decisionRecord(1));
        await spool.recordAttempt(key, 1, outcomeRecord([]).task);
        await spool.publishOutcome(key, 1, outcomeRecord(['1.1']), null);
        for (const name of [key, key.slice(0, 4), '1.2.3.4', '2.25.1']) {
          await show(name, options);
          expect(told.pop()).toMatch(new RegExp(`^${key}  `));
        }
        for (const name of ['1.2.3', '2.25', key.slice(0, 3)])
          await expect(show(name, options)).rejects.toMatchObject({ code: 'SPOOL_UNKNOWN_SERIES' });
      } finally {
        await spool.close();
      }
    });
  });
});
