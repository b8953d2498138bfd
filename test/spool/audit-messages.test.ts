import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { openSpool } from '../../src/spool/open-spool.js';
import { withFolder } from '../support/temporary.js';

describe('audit messages in the spool', () => {
  it('stay in the order of their time, and go when they are taken', async () => {
    await withFolder(async (folder) => {
      const options = { directory: folder, sync: 'always', host: 'node 1', now: Date.now } as const;
      const spool = await openSpool(options);
      await spool.audit.append(Buffer.from('second'), 2000);
      await spool.audit.append(Buffer.from('third'), 2000);
      await spool.audit.append(Buffer.from('first'), 1000);
      await spool.close();

      const again = await openSpool(options);
      const names = await again.audit.waiting();
      const read = await Promise.all(names.map((name) => again.audit.read(name)));
      expect(read.map(String)).toEqual(['first', 'second', 'third']);
      for (const name of names) await again.audit.remove(name);
      expect(await again.audit.waiting()).toEqual([]);
      expect(await again.audit.read(names[0] ?? '')).toBeNull();
      expect(await readdir(join(folder, 'audit'))).toEqual([]);
      await again.close();
    });
  });

  it('are none in a spool that has kept none', async () => {
    await withFolder(async (folder) => {
      const spool = await openSpool({ directory: folder, sync: 'never', host: 'node', now: Date.now });
      expect(await spool.audit.waiting()).toEqual([]);
      await spool.close();
    });
  });
});
