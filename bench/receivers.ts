// Who receives in the DIMSE bench: limpid with its real spool, and the peers from Debian's packages.
import { join } from 'node:path';
import { quickConfig, startNode } from '../demo/start-node.js';
import type { ScuTarget } from '../src/io/dimse/requestor.js';
import { startOrthanc, startStoreScp } from '../test/support/peer-processes.js';

export interface Receiver {
  readonly target: ScuTarget;
  /** Of limpid's process; 0 for others. */
  readonly pid: number;
  /** Where its files are: the series in limpid's spool, a peer's folder. */
  readonly files: string;
  stop(): Promise<unknown>;
}

const targetOf = (aeTitle: string, port: number): ScuTarget => ({ aeTitle, host: '127.0.0.1', port, callingAe: 'CT1' });

let started = 0;

/** A receiver process of limpid's over Redis, in a folder of its own below `folder`, which stays. */
export async function startLimpid(
  folder: string,
  queue: string,
  sync: 'always' | 'never',
  dimse: Record<string, unknown> = {},
): Promise<Receiver> {
  const at = join(folder, `node-${++started}`);
  const config = quickConfig({
    queue,
    node: {
      aeTitle: 'LIMPID',
      dimse: { host: '127.0.0.1', port: 0, ...dimse },
      http: { host: '127.0.0.1', port: 0 },
    },
    peers: { ct1: { aeTitle: 'CT1' } },
    spool: { directory: './data', low: '100MB', critical: '50MB', sync },
    rules: [],
  });
  const node = await startNode({ folder: at, config, roles: 'receiver' });
  return {
    target: targetOf('LIMPID', node.dicomPort),
    pid: node.pid,
    // Its lock stays: a receiver whose lock is another's steps down.
    files: join(node.spool, 'series'),
    stop: () => node.end('SIGTERM'),
  };
}

/** `+B`: storescp writes the bytes as they come, as limpid does; a process for each association where there are several. */
export async function startStorescp(associations: number): Promise<Receiver> {
  const peer = await startStoreScp({ args: associations > 1 ? ['--fork'] : [] });
  return { target: targetOf(peer.aeTitle, peer.port), pid: 0, files: peer.directory, stop: () => peer.stop() };
}

export async function startSyncedOrthanc(): Promise<Receiver> {
  const modalities = { CT1: { aeTitle: 'CT1', port: 11_112 } };
  const peer = await startOrthanc({ modalities, settings: { SyncStorageArea: true } });
  return {
    target: targetOf(peer.aeTitle, peer.dicomPort),
    pid: 0,
    files: join(peer.folder, 'storage'),
    stop: () => peer.stop(),
  };
}
