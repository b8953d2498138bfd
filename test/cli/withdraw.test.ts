import { describe, expect, it } from '@jest/globals';
import { withdrawCommand } from '../../src/cli/withdraw.js';
import { openSpool } from '../../src/spool/open-spool.js';
import { withFolder } from '../support/temporary.js';

const options = { config: '', task: null, model: null, version: null, fromMs: null, toMs: null };
const silent = { out: () => undefined, err: () => undefined, terminal: false };

describe('a withdrawal', () => {
  it('for safety has no cause of low quality', async () => {
    await withFolder(async (directory) => {
      const spool = await openSpool({ directory, sync: 'never', host: 'here', now: Date.now });
      const withdraw = withdrawCommand((_, body) => body(spool), { user: 'me', now: Date.now }, silent);
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
});
