// The quotas of a receiver: their metric goes with it, another process may be the receiver now.
import { writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { loadConfig } from '../../src/config/load.js';
import { Closing } from '../../src/node/closing.js';
import { openQuotas } from '../../src/node/open-quotas.js';
import { openMetrics } from '../../src/observe/metrics.js';
import { openSpool } from '../../src/spool/open-spool.js';
import { withFolder } from '../support/temporary.js';
import { silentLog } from '../support/test-scp.js';

it('tells nothing of quotas any more once its receiver has ended', async () => {
  await withFolder(async (folder) => {
    const file = join(folder, 'limpid.yaml');
    const peers = 'ct1: { aeTitle: CT1, receive: { quota: { instances: 2 } } }';
    await writeFile(file, `node: { aeTitle: LIMPID }\npeers: { ${peers} }\nrules: []\n`);
    const config = await loadConfig(file, {});
    const [metrics, closing] = [openMetrics(), new Closing()];
    const directory = join(folder, 'spool');
    const spool = await openSpool({ directory, sync: 'never', host: hostname(), now: Date.now });
    const quotas = await openQuotas({ config, log: silentLog, metrics }, spool, closing);
    quotas?.kept('ct1', 100);
    const line = 'limpid_peer_quota_ratio{peer="ct1"}';
    expect(await metrics.text()).toContain(`${line} 0.5`);
    await closing.run(silentLog);
    expect(await metrics.text()).not.toContain(line);
    await spool.close();
  });
});
