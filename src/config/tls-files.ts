// Which certificate files serve where: for the node's listener, and for each peer that is called over TLS; and whether they fit.
import { resolve } from 'node:path';
import type { CertificateFault, CertificateFiles } from './certificates.js';
import { readCertificates } from './certificates.js';
import type { Complain } from './checks.js';

type Nullable<T> = { readonly [K in keyof T]: T[K] | null };
interface Configured {
  readonly node: {
    readonly dimse: { readonly port: number | null; readonly tls: (CertificateFiles & { port: number | null }) | null };
  };
  readonly peers: Readonly<Record<string, { readonly kind: string; readonly tls?: Nullable<CertificateFiles> | null }>>;
  readonly audit: {
    readonly repository: { readonly transport: string };
    readonly tls: Nullable<CertificateFiles>;
  } | null;
}

/** The audit repository among those who use certificates; no peer can have this name. */
export const auditUser = '(audit)';

/** Certificate files that belong together, and who uses them. */
export interface TlsPlace extends CertificateFiles {
  /** Names of peers that are called with them; null: the node's listener. */
  readonly users: readonly (string | null)[];
  /** Where the configuration names them first. */
  readonly path: readonly string[];
}

const fileKeys = ['certificateFile', 'keyFile', 'caFile'] as const;

function absolute<T extends Nullable<CertificateFiles>>(tls: T | null, directory: string): T | null {
  if (tls === null) return null;
  const found = fileKeys.flatMap((key) => {
    const path = tls[key];
    return path === null ? [] : [[key, resolve(directory, path)] as const];
  });
  return { ...tls, ...Object.fromEntries(found) };
}

/** The configuration with the paths of certificates made absolute; they are relative to its file. */
export function withAbsoluteFiles<T extends Configured>(config: T, directory: string): T {
  const peers = Object.entries(config.peers).map(([name, peer]) => [
    name,
    peer.tls ? { ...peer, tls: absolute(peer.tls, directory) } : peer,
  ]);
  const dimse = { ...config.node.dimse, tls: absolute(config.node.dimse.tls, directory) };
  const audit = config.audit && { ...config.audit, tls: absolute(config.audit.tls, directory) };
  return { ...config, node: { ...config.node, dimse }, peers: Object.fromEntries(peers), audit };
}

/** The files that a peer is called with: its own, the node's where it has none; null: nobody is named who signs its certificate. */
function filesOf(node: CertificateFiles | null, own: Nullable<CertificateFiles>): CertificateFiles | null {
  const caFile = own.caFile ?? node?.caFile ?? null;
  if (caFile === null) return null;
  const pair = own.certificateFile === null && own.keyFile === null ? node : own;
  return { caFile, certificateFile: pair?.certificateFile ?? null, keyFile: pair?.keyFile ?? null };
}

/** Every place of the configuration with certificate files; peers that are called with the node's files share its place. */
export function tlsPlaces(config: Configured): readonly TlsPlace[] {
  const { tls } = config.node.dimse;
  const found: TlsPlace[] = tls === null ? [] : [{ ...tls, users: [null], path: ['node', 'dimse', 'tls'] }];
  for (const { user, own, path } of callers(config)) {
    const files = filesOf(tls, own);
    if (files === null) continue;
    const same = found.findIndex((place) => fileKeys.every((key) => place[key] === files[key]));
    const place = found[same];
    if (place) found[same] = { ...place, users: [...place.users, user] };
    else found.push({ ...files, users: [user], path });
  }
  return found;
}

interface Caller {
  readonly user: string;
  readonly own: Nullable<CertificateFiles>;
  readonly path: readonly string[];
}

/** Whom limpid calls over TLS: peers, and the audit repository. */
function callers({ peers, audit }: Configured): Caller[] {
  const found: Caller[] = Object.entries(peers).flatMap(([user, { tls: own }]) =>
    own ? [{ user, own, path: ['peers', user, 'tls'] }] : [],
  );
  if (audit?.repository.transport === 'tls') found.push({ user: auditUser, own: audit.tls, path: ['audit', 'tls'] });
  return found;
}

/** Checks what no schema sees: keys that need each other. */
export function checkTlsKeys(config: Configured, complain: Complain): void {
  const { port, tls } = config.node.dimse;
  if (port === null && (tls?.port ?? null) === null) {
    complain(['node', 'dimse', 'port'], 'the node listens nowhere: neither port nor tls.port');
  }
  for (const { own, path } of callers(config)) {
    if (filesOf(tls, own) === null) complain(path, 'caFile is missing: node.dimse.tls names none either');
    if (own.certificateFile !== null && own.keyFile === null) complain(path, 'certificateFile needs a keyFile');
    if (own.keyFile !== null && own.certificateFile === null) complain(path, 'keyFile needs a certificateFile');
  }
}

/** Reads every file, and says what is wrong at the key that names it. A peer's faults in the node's files are said once. */
export async function checkTlsFiles(config: Configured, complain: Complain): Promise<void> {
  const told = new Set<string>();
  for (const place of tlsPlaces(config)) {
    const read = await readCertificates(place);
    for (const { key, message } of isFaults(read) ? read : []) {
      if (!told.has(message)) complain([...place.path, key], message);
      told.add(message);
    }
  }
}

export const isFaults = (read: Awaited<ReturnType<typeof readCertificates>>): read is readonly CertificateFault[] =>
  Array.isArray(read);
