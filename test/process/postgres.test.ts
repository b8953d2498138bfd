// Roles in processes of their own over Postgres: a series passes, also when the server has gone away and come back in between.
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { openReceivingPacs } from '../../demo/receiving-pacs.js';
import { eventually, quickConfig, startNode } from '../../demo/start-node.js';
import { readOutgoing } from '../../src/io/dimse/outgoing.js';
import { send } from '../../src/io/dimse/scu.js';
import { openLog } from '../../src/observe/log.js';
import { openMetrics } from '../../src/observe/metrics.js';
import { describeWithPeers, startPostgres } from '../support/peers.js';
import { openClosers } from '../support/closers.js';
import { writeSyntheticSeries } from '../support/synthetic-series.js';

const log = openLog('silent');
const slices = 4;
const closers = openClosers();

describeWithPeers(['initdb', 'postgres'], 'roles in processes of their own, on Postgres', () => {
  it('bring each series to the PACS once; what came while Postgres was away follows when it is back', async () => {
    const folder = await closers.folder();
    const postgres = await startPostgres();
    closers.push(() => postgres.stop());
    const pacsFolder = join(folder, 'pacs');
    const pacs = await openReceivingPacs({ folder: pacsFolder, port: 0, aeTitle: 'PACS', log, metrics: openMetrics() });
    closers.push(() => pacs.close());
    const config = quickConfig({
      queue: postgres.url,
      peers: { ct1: { aeTitle: 'CT1' }, pacs: { aeTitle: 'PACS', host: '127.0.0.1', port: pacs.port } },
      workers: { providers: ['cpu'] },
      rules: [{ name: 'all', enhance: [{ with: 'gaussian' }], forward: ['pacs'], deliver: ['pacs'] }],
    });
    const start = async (roles: string) => {
      const name = `${roles.replace(',', '-')}.yaml`;
      const node = await startNode({ folder: join(folder, 'node'), config, roles, name });
      closers.push(() => node.end('SIGKILL'));
      return node;
    };
    const nodes = [await start('receiver,admin'), await start('worker'), await start('sender')] as const;
    const store = async (seed: number): Promise<void> => {
      const shape = { modality: 'CT', slices, rows: 64, columns: 64, noise: 20, seed } as const;
      const { files } = await writeSyntheticSeries(join(folder, `in-${seed}`), shape);
      const target = { aeTitle: 'LIMPID', host: '127.0.0.1', port: nodes[0].dicomPort, callingAe: 'CT1' };
      const instances = await Promise.all(files.map((file) => readOutgoing(file)));
      const { outcomes } = await send(target, instances, { associations: 1, log });
      expect(outcomes.map(({ status }) => status)).toEqual(files.map(() => 0));
    };
    const arrived = (series: number) =>
      eventually(
        `${series} series in the PACS; the logs end: ${nodes.map((node) => node.log().slice(-1500)).join('\n')}`,
        () => Promise.resolve(pacs.stored.length >= series * slices),
        120_000,
      );
    await store(1);
    await arrived(2);
    await postgres.kill();
    await store(2); // receiving goes on
    await postgres.start();
    await arrived(4);
    expect(pacs.stored).toHaveLength(4 * slices);
    expect(new Set(pacs.stored.map(({ sopInstanceUid }) => sopInstanceUid)).size).toBe(4 * slices);
    expect(new Set(pacs.stored.map(({ seriesInstanceUid }) => seriesInstanceUid)).size).toBe(4);
    for (const node of nodes) expect(await node.end('SIGTERM')).toBe(0);
  }, 900_000);
});
