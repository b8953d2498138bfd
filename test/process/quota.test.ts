// A peer with a quota: what is beyond it is refused for now, also by the next process; the metric says how much is used.
import { expect, it } from '@jest/globals';
import { eventually, quickConfig, startNode } from '../../demo/start-node.js';
import { send } from '../../src/io/dimse/scu.js';
import { writeTestFiles } from '../support/part10-files.js';
import { withFolder } from '../support/temporary.js';
import { silentLog } from '../support/test-scp.js';

it('refuses with A700 what is beyond the quota of a peer, over a restart too, and serves others', async () => {
  const files = await writeTestFiles([1, 2, 3].map((index) => ({ sopInstanceUid: `1.2.3.4.${index}` })));
  await withFolder(async (folder) => {
    const options = {
      folder,
      config: quickConfig({
        peers: { ct1: { aeTitle: 'CT1', receive: { quota: { instances: 2 } } }, ct2: { aeTitle: 'CT2' } },
        rules: [{ name: 'all', ignore: true }],
      }),
    };
    let node = await startNode(options);
    const statuses = async (callingAe: string): Promise<string[]> => {
      const target = { aeTitle: 'LIMPID', host: '127.0.0.1', port: node.dicomPort, callingAe };
      const { outcomes } = await send(target, files.instances, { associations: 1, log: silentLog });
      return outcomes.map(({ status }) => (status ?? -1).toString(16));
    };
    const used = async () => (await fetch(`http://127.0.0.1:${node.httpPort}/metrics`)).text();
    try {
      expect(await statuses('CT1')).toEqual(['0', '0', 'a700']);
      expect(await used()).toContain('limpid_peer_quota_ratio{peer="ct1"} 1\n');
      expect(await node.end('SIGTERM')).toBe(0);
      node = await startNode(options);
      expect(await statuses('CT1')).toEqual(['a700', 'a700', 'a700']);
      expect(await statuses('CT2')).toEqual(['0', '0', '0']);
      await eventually('counted', async () =>
        (await used()).includes('limpid_instances_received_total{peer="ct1",modality="other",status="A700"} 3'),
      );
    } finally {
      await node.end('SIGKILL');
      await files.remove();
    }
  });
}, 600_000);
