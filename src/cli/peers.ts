// `limpid peers`: what peers there are, and the destination doctor.
import { access, constants, stat, statfs } from 'node:fs/promises';
import { isDestination } from '../config/peers.js';
import type { Peer } from '../config/peers.js';
import type { Config } from '../config/schema.js';
import { examinePeer } from '../io/dimse/examine.js';
import type { Finding } from '../io/dimse/examine.js';
import type { ScuTarget } from '../io/dimse/requestor.js';
import { colour, table } from './output.js';
import type { Output } from './output.js';

export interface PeerCommands {
  list(options: { readonly config: string; readonly json: boolean }): Promise<void>;
  check(peer: string, options: { readonly config: string; readonly json: boolean }): Promise<void>;
}

export interface PeerCommandDeps {
  readonly load: (config: string) => Promise<Config>;
  /** A peer as it is called. @throws LimpidError USAGE: no such peer, or one without address */
  readonly target: (config: string, peer: string) => Promise<ScuTarget>;
  /** @throws LimpidError USAGE: no such peer */
  readonly peer: (config: string, peer: string) => Promise<Peer>;
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
      const peer = await deps.peer(config, name);
      const findings = peer.kind === 'dicom' ? await checkDicom(deps, config, name, peer) : await checkOther(peer);
      const broken = findings.some(({ state }) => state === 'failed');
      if (json) output.out(JSON.stringify({ peer: name, kind: peer.kind, usable: !broken, findings }, null, 1));
      else for (const finding of findings) output.out(lineOf(output, finding));
      if (broken) failed();
    },
  };
}

function placeOf(peer: Peer): { kind: string; aeTitle: string | null; at: string | null; does: string[] } {
  if (peer.kind !== 'dicom') {
    return { kind: peer.kind, aeTitle: null, at: 'directory' in peer ? peer.directory : null, does: ['receives'] };
  }
  const { aeTitle, host, port, tls, commitment } = peer;
  const does = [
    ...(isDestination(peer) ? ['sends', 'receives'] : ['sends']),
    ...(tls === null ? [] : ['TLS']),
    ...(commitment === null ? [] : ['commits']),
  ];
  return { kind: peer.kind, aeTitle, at: host === null || port === null ? null : `${host}:${port}`, does };
}

async function checkDicom(
  deps: PeerCommandDeps,
  config: string,
  name: string,
  { commitment }: Extract<Peer, { kind: 'dicom' }>,
): Promise<Finding[]> {
  const target = await deps.target(config, name);
  const committing = commitment === null ? null : await deps.target(config, commitment.by ?? name);
  return examinePeer(target, {
    commitment: committing,
    nowMs: deps.now(),
    signal: AbortSignal.timeout(deadlineMs),
  });
}

/** Looks without writing: whatever watches the folder must not see a file that is none. */
async function checkOther(peer: Exclude<Peer, { kind: 'dicom' }>): Promise<Finding[]> {
  const step = 'folder';
  if (peer.kind !== 'folder') {
    return [{ step: 'name', state: 'skipped', found: `peers of kind ${peer.kind} have no check yet`, advice: null }];
  }
  const { directory } = peer;
  const advice = 'Make the folder, mount it, or give this user the right to write in it.';
  try {
    if (!(await stat(directory)).isDirectory())
      return [{ step, state: 'failed', found: `${directory} is no folder`, advice }];
    await access(directory, constants.W_OK | constants.X_OK);
    const { bavail, bsize } = await statfs(directory);
    const free = `${((bavail * bsize) / 1e9).toFixed(1)} GB free`;
    return [{ step, state: 'ok', found: `${directory} can be written, ${free}`, advice: null }];
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'failed';
    return [{ step, state: 'failed', found: `${directory} cannot be written: ${code}`, advice }];
  }
}

function lineOf(output: Output, { step, state, found, advice }: Finding): string {
  const line = `${colour(output, colours[state], state.padEnd(7))}  ${step.padEnd(11)}  ${found}`;
  return advice === null ? line : `${line}\n${' '.repeat(22)}${advice}`;
}
