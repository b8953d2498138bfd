// Two receivers over one spool: which of them receives, as the metrics of each tell it, and what they tell of a volume that goes away.
import { spawn } from 'node:child_process';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';
import { eventually, quickConfig, startNode } from '../../demo/start-node.js';
import { freePort } from '../support/free-port.js';
import { describeWithPeers, startRedis } from '../support/peers.js';
import { withFolder } from '../support/temporary.js';

const main = fileURLToPath(new URL('../../src/main.js', import.meta.url));

describeWithPeers(['redis-server'], 'a receiver and one that stands by', () => {
  it('say who receives, and nothing of what only the other one knows now; a volume that is away has no room', async () => {
    const redis = await startRedis();
    await withFolder(async (folder) => {
      const [httpPort, auditPort] = [await freePort(), await freePort()];
      const config = quickConfig({
        queue: redis.url,
        audit: { repository: `tcp://127.0.0.1:${auditPort}` }, // nobody listens there
      });
      const first = await startNode({ folder, config, roles: 'receiver', name: 'a.yaml' });
      const node = { aeTitle: 'LIMPID', dimse: { host: '127.0.0.1', port: 0 }, http: { port: httpPort } };
      await writeFile(join(folder, 'b.yaml'), JSON.stringify({ ...config, node }));
      const args = [main, 'serve', '--config', join(folder, 'b.yaml'), '--roles', 'receiver', '--standby'];
      const second = spawn(process.execPath, args, { cwd: folder, stdio: 'ignore' });
      /** The value of one metric; null: it is not there, or nobody answers. */
      const told = async (port: number, name: string): Promise<string | null> => {
        const answer = await fetch(`http://127.0.0.1:${port}/metrics`).catch(() => null);
        const line = (await answer?.text())?.split('\n').find((one) => one.startsWith(`limpid_${name}`));
        return line ?? null;
      };
      const rolesOf = async (port: number) => /roles="(.*)"/.exec((await told(port, 'build_info')) ?? '')?.[1];
      try {
        await eventually('the second stands by', async () => (await rolesOf(httpPort)) === 'standby');
        expect(await rolesOf(first.httpPort)).toBe('receiver');
        expect(await told(first.httpPort, 'audit_messages_waiting')).toMatch(/ [1-9]/);
        expect(await told(httpPort, 'audit_messages_waiting')).toBeNull();
        expect(await told(httpPort, 'spool_free_bytes')).toBeNull();

        await rm(join(first.spool, 'receiver.lock'));
        await eventually('the first has stepped down', async () => (await rolesOf(first.httpPort)) === 'stepped-down');
        await eventually('the second receives', async () => (await rolesOf(httpPort)) === 'receiver');
        const waiting = 'limpid_audit_messages_waiting 0';
        await eventually('it forwards', async () =>
          / [1-9]/.test((await told(httpPort, 'audit_messages_waiting')) ?? ''),
        );
        await eventually(
          'not the first',
          async () => (await told(first.httpPort, 'audit_messages_waiting')) === waiting,
        );

        expect(await told(httpPort, 'spool_free_bytes')).toMatch(/ [1-9]/);
        await rename(first.spool, `${first.spool}.away`);
        await mkdir(first.spool); // where the volume was mounted
        const none = 'limpid_spool_free_bytes 0';
        await eventually('no room', async () => (await told(httpPort, 'spool_free_bytes')) === none);
        await rm(first.spool, { recursive: true });
        await rename(`${first.spool}.away`, first.spool);
        await eventually('room again', async () => (await told(httpPort, 'spool_free_bytes')) !== none);
      } finally {
        second.kill('SIGKILL');
        await first.end('SIGKILL');
      }
    });
    await redis.stop();
  }, 300_000);
});
