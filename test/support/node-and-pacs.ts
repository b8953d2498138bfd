// A node of its own process with a PACS beside it, for one test.
import { join } from 'node:path';
import { openReceivingPacs } from '../../demo/receiving-pacs.js';
import type { ReceivingPacs } from '../../demo/receiving-pacs.js';
import { quickConfig, startNode } from '../../demo/start-node.js';
import type { NodeUnderTest } from '../../demo/start-node.js';
import { openLog } from '../../src/observe/log.js';
import { openMetrics } from '../../src/observe/metrics.js';
import { withFolder } from './temporary.js';

export interface NodeAndPacs {
  /** For the test's own files. */
  readonly folder: string;
  readonly node: NodeUnderTest;
  readonly pacs: ReceivingPacs;
  /** The node, as its peer CT1 calls it. */
  readonly target: {
    readonly aeTitle: string;
    readonly host: string;
    readonly port: number;
    readonly callingAe: string;
  };
}

/** Runs `body` with a node that enhances every series from CT1 with this model and delivers to the PACS; both are ended afterwards. */
export async function withNodeAndPacs(model: string, body: (both: NodeAndPacs) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const pacs = await openReceivingPacs({
      folder: join(folder, 'pacs'),
      port: 0,
      aeTitle: 'PACS',
      log: openLog('silent'),
      metrics: openMetrics(),
    });
    try {
      const node = await startNode({
        folder: join(folder, 'node'),
        config: quickConfig({
          peers: { ct1: { aeTitle: 'CT1' }, pacs: { aeTitle: 'PACS', host: '127.0.0.1', port: pacs.port } },
          workers: { providers: ['cpu'] },
          rules: [{ name: 'all', enhance: [{ with: model }], deliver: ['pacs'] }],
        }),
      });
      try {
        const target = { aeTitle: 'LIMPID', host: '127.0.0.1', port: node.dicomPort, callingAe: 'CT1' };
        await body({ folder, node, pacs, target });
      } finally {
        await node.end('SIGKILL');
      }
    } finally {
      await pacs.close();
    }
  });
}
