// Real peers in tests: what starts them (peer-processes.ts, which benches use without Jest), and tests that are skipped without them.
import { describe } from '@jest/globals';
import { type PeerBinary, findPeer } from './peer-processes.js';

export * from './peer-processes.js';

/** `describe` for tests with real peers: skipped, with the missing programs in its name, where they are not installed; an error when CI=true. */
export function describeWithPeers(binaries: readonly PeerBinary[], name: string, body: () => void): void {
  const missing = binaries.filter((binary) => findPeer(binary) === null);
  if (missing.length === 0) describe(name, body);
  else if (process.env['CI'] === 'true') throw new Error(`${name}: not installed: ${missing.join(', ')}`);
  else describe.skip(`${name} (not installed: ${missing.join(', ')})`, body);
}
