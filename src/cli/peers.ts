// `limpid peers`: what peers there are, and the destination doctor.
import { isDestination } from '../config/peers.js';
import type { Peer } from '../config/peers.js';
import type { Config } from '../config/schema.js';
import type { Finding } from '../io/dimse/examine-connection.js';
import type { CallPeer } from './called-peer.js';
import { colour, table } from './output.js';
import type { Output } from './output.js';

export interface PeerCommands {
  list(options: { readonly config: string; readonly json: boolean }): Promise<void>;
  check(peer: string, options: { readonly config: string; readonly json: boolean }): Promise<void>;
}

export interface PeerCommandDeps {
  readonly load: (config: string) => Promise<Config>;
  readonly call: CallPeer;
  readonly now: () => number;
}

const deadlineMs = 120_000;
const colours = { ok: 'green', warning: 'yellow', failed: 'red', skipped: 'dim' } as const;

export function peerCommands(deps: PeerCommandDeps, output: Output, failed: () => void): PeerCommands {
  return {
    async list({ config, json }) {
      const { peers } = await deps.load(config);
      const rows = Object.entries(peers).map(([name, peer]) => ({ name, ...placeOf(peer) }));
      if (json) output.out(JSON.stringify(rows, null, 1));
      else {
        const cells = rows.map(({ name, kind, aeTitle, at, does }) => [
          name,
          kind,
          aeTitle ?? '',
          at ?? '',
          does.join(', '),
        ]);
        output.out(table(['peer', 'kind', 'AE title', 'at', 'does'], cells));
      }
    },
    async check(name, { config, json }) {
      const peer = await deps.call(config, name);
      const findings = await peer.examine(deps.now(), AbortSignal.timeout(deadlineMs));
      const broken = findings.some(({ state }) => state === 'failed');
      if (json) output.out(JSON.stringify({ peer: name, kind: peer.kind, usable: !broken, findings }, null, 1));
      else for (const finding of findings) output.out(lineOf(output, finding));
      if (broken) failed();
    },
  };
}

function placeOf(peer: Peer): { kind: string; aeTitle: string | null; at: string | null; does: string[] } {
  if (peer.kind !== 'dicom') {
    const at = peer.kind === 'folder' ? peer.directory : peer.url;
    return { kind: peer.kind, aeTitle: null, at, does: ['receives'] };
  }
  const { aeTitle, host, port, tls, commitment } = peer;
  const does = [
    ...(isDestination(peer) ? ['sends', 'receives'] : ['sends']),
    ...(tls === null ? [] : ['TLS']),
    ...(commitment === null ? [] : ['commits']),
  ];
  return { kind: peer.kind, aeTitle, at: host === null || port === null ? null : `${host}:${port}`, does };
}

function lineOf(output: Output, { step, state, found, advice }: Finding): string {
  const line = `${colour(output, colours[state], state.padEnd(7))}  ${step.padEnd(11)}  ${found}`;
  return advice === null ? line : `${line}\n${' '.repeat(22)}${advice}`;
}
