// SIGTERM in the middle of a task while a modality still holds its association: the node ends well, and the task goes on after it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { eventually, quickConfig, startNode } from '../../demo/start-node.js';
import { openReceivingPacs } from '../../demo/receiving-pacs.js';
import { mapping } from '../../src/conditions/plain.js';
import { CommandField, SopClass, TransferSyntax } from '../../src/io/dimse/constants.js';
import { readOutgoing } from '../../src/io/dimse/outgoing.js';
import { encodeReleaseResponse } from '../../src/io/dimse/pdu.js';
import { openRequestor } from '../../src/io/dimse/requestor.js';
import { send } from '../../src/io/dimse/scu.js';
import { openLog } from '../../src/observe/log.js';
import { openMetrics } from '../../src/observe/metrics.js';
import { keyOf } from '../../src/spool/key.js';
import { Layout } from '../../src/spool/layout.js';
import { readState } from '../../src/spool/read-state.js';
import type { TaskState } from '../../src/spool/state.js';
import { describeWithPeers, startRedis } from '../support/peers.js';
import { openScriptedScp } from '../support/scripted-scp.js';
import { writeSyntheticSeries } from '../support/synthetic-series.js';
import { withFolder } from '../support/temporary.js';

const log = openLog('silent');
const main = fileURLToPath(new URL('../../src/main.js', import.meta.url));

describe('a drain', () => {
  it('ends a running task once, and the next start takes it up, however long an association stays open', async () => {
    await withFolder(async (folder) => {
      const pacs = await openReceivingPacs({
        folder: join(folder, 'pacs'),
        port: 0,
        aeTitle: 'PACS',
        log,
        metrics: openMetrics(),
      });
      const config = quickConfig({
        peers: { ct1: { aeTitle: 'CT1' }, pacs: { aeTitle: 'PACS', host: '127.0.0.1', port: pacs.port } },
        workers: { providers: ['cpu'], threads: 1 },
        rules: [{ name: 'all', enhance: [{ with: 'nlm' }], deliver: ['pacs'] }],
      });
      const options = { modality: 'CT', slices: 40, rows: 256, columns: 256, noise: 20, seed: 3 } as const;
      const series = await writeSyntheticSeries(join(folder, 'in'), options);
      const key = keyOf(series.studyInstanceUid, series.seriesInstanceUid);
      let node = await startNode({ folder: join(folder, 'node'), config });
      try {
        const layout = new Layout(node.spool);
        const task = async (): Promise<TaskState | undefined> => {
          const { revisions } = await readState(layout, key);
          return revisions[0]?.tasks.values().next().value;
        };
        const target = { aeTitle: 'LIMPID', host: '127.0.0.1', port: node.dicomPort, callingAe: 'CT1' };
        const contexts = [
          {
            id: 1,
            abstractSyntaxUid: SopClass.Verification,
            transferSyntaxUids: [TransferSyntax.ImplicitLittleEndian],
          },
        ];
        const modality = await openRequestor(target, contexts, undefined);
        const instances = await Promise.all(series.files.map((file) => readOutgoing(file)));
        await send(target, instances, { associations: 1, log });
        await eventually('the task runs', async () => (await task())?.started === 1);
        const ended = node.end('SIGTERM');
        await sleep(2_000); // as long as a modality takes to see that nothing more is answered
        await modality.release();
        expect(await ended).toBe(0);
        const events = node
          .log()
          .trim()
          .split('\n')
          .map((line) => String(mapping(JSON.parse(line))['msg']));
        expect(events).toContain('draining');
        expect(events.at(-1)).toBe('stopped');
        expect(await task()).toMatchObject({ started: 1, died: 0, outcome: null });

        node = await startNode({ folder: join(folder, 'node'), config });
        await eventually('the derived series arrives', () => Promise.resolve(pacs.stored.length === options.slices));
        expect((await task())?.outcome?.outcome).toBe('enhanced');
      } finally {
        await node.end('SIGKILL');
        await pacs.close();
      }
    });
  }, 600_000);

  it('lets a slow PACS answer for the instance that is under way, releases the association, and sends the rest after the next start', async () => {
    await withFolder(async (folder) => {
      const stored: string[] = [];
      let released = 0;
      const pacs = await openScriptedScp({
        message: ({ command, respond }) => {
          if (command.field === CommandField.Store) stored.push(command.affectedSopInstanceUid ?? '');
          setTimeout(respond, 1_000);
        },
        release: (socket) => {
          released++;
          socket.end(encodeReleaseResponse());
        },
      });
      const config = quickConfig({
        peers: {
          ct1: { aeTitle: 'CT1' },
          pacs: { aeTitle: 'PACS', host: '127.0.0.1', port: pacs.port, associations: 1 },
        },
        rules: [{ name: 'all', forward: ['pacs'] }],
      });
      const options = { modality: 'CT', slices: 4, rows: 64, columns: 64, noise: 20, seed: 3 } as const;
      const series = await writeSyntheticSeries(join(folder, 'in'), options);
      let node = await startNode({ folder: join(folder, 'node'), config });
      try {
        const target = { aeTitle: 'LIMPID', host: '127.0.0.1', port: node.dicomPort, callingAe: 'CT1' };
        const instances = await Promise.all(series.files.map((file) => readOutgoing(file)));
        await send(target, instances, { associations: 1, log });
        await eventually('an instance is under way', () => Promise.resolve(stored.length === 1));
        expect(await node.end('SIGTERM')).toBe(0);
        expect([stored.length, released, pacs.associations()]).toEqual([1, 1, 1]);

        node = await startNode({ folder: join(folder, 'node'), config });
        await eventually('the rest arrives', () => Promise.resolve(released === 2));
        expect(stored.toSorted()).toEqual(instances.map(({ sopInstanceUid }) => sopInstanceUid).toSorted());
      } finally {
        await node.end('SIGKILL');
        await pacs.close();
      }
    });
  }, 600_000);

  it('while it starts ends the process with 0 and leaves nothing behind', async () => {
    await withFolder(async (folder) => {
      const file = join(folder, 'limpid.yaml');
      await writeFile(file, JSON.stringify(quickConfig({ rules: [] })));
      const node = spawn(process.execPath, [main, 'serve', '--config', file], { stdio: ['ignore', 'ignore', 'pipe'] });
      const ended = once(node, 'exit');
      await once(node.stderr, 'data'); // it prepares the queue, which takes seconds
      node.kill('SIGTERM');
      expect(await ended).toEqual([0, null]);
      expect(await readdir(join(folder, 'data', 'tmp'))).toEqual([]);
    });
  }, 600_000);
});

describeWithPeers(['redis-server'], 'a drain beside a Redis that refuses the password', () => {
  it('ends the process with 0', async () => {
    await withFolder(async (folder) => {
      const redis = await startRedis();
      const client = new Redis(redis.url);
      await client.config('SET', 'requirepass', 'secret');
      client.disconnect();
      const passwordFile = join(folder, 'password');
      await writeFile(passwordFile, 'wrong');
      const config = quickConfig({ rules: [], queue: { url: redis.url, passwordFile } });
      const node = await startNode({ folder, config, roles: 'worker' });
      const start = performance.now();
      expect(await node.end('SIGTERM')).toBe(0);
      expect(performance.now() - start).toBeLessThan(40_000);
      await redis.stop();
    });
  }, 600_000);
});
