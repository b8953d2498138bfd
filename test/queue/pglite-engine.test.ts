import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { openEngine } from '../../src/queue/pglite-engine.js';

it('answers at once that its thread has ended, whoever asks behind those that it failed', async () => {
  const root = await mkdtemp(join(tmpdir(), 'limpid-engine-'));
  const engine = await openEngine(join(root, 'pgdata'), { notification: () => undefined, ended: () => undefined });
  const running = engine.query('SELECT pg_sleep(60)');
  const next = running.catch(() => Promise.race([engine.query('SELECT 1'), sleep(5_000, 'no answer')]));
  void engine.kill();
  await expect(running).rejects.toThrow(/thread of the embedded queue ended/);
  await expect(next).rejects.toThrow(/thread of the embedded queue ended/);
  await expect(Promise.race([engine.close(), sleep(5_000, 'no answer')])).rejects.toThrow(/ended/);
  await rm(root, { recursive: true, force: true });
}, 60_000);
