// What the configuration says of peers, asked by those who do not care of which kind one is.
import { resolve } from 'node:path';
import type { Config } from './schema.js';

export type Peer = Config['peers'][string];
export type DicomPeer = Extract<Peer, { readonly kind: 'dicom' }>;

export type WebPeer = Extract<Peer, { readonly kind: 'dicomweb' }>;

/** The DICOM nodes among the peers, with their names. */
export function dicomPeers(peers: Config['peers']): [name: string, peer: DicomPeer][] {
  return Object.entries(peers).flatMap(([name, peer]) => (peer.kind === 'dicom' ? [[name, peer]] : []));
}

/** All names of the application entity that is a peer of this name: those with its AE title. A call from it is admitted as one of them. */
export function namesOfEntity(peers: Config['peers'], name: string): string[] {
  const peer = peers[name];
  if (peer?.kind !== 'dicom') return [name];
  return dicomPeers(peers).flatMap(([other, { aeTitle }]) => (aeTitle === peer.aeTitle ? [other] : []));
}

/**
 * The peers with paths made absolute; they are relative to the configuration's file. The mapping has no prototype: whoever looks a name up
 * that is none of a peer's, `constructor` among them, finds nothing.
 */
export function withAbsolutePaths(peers: Config['peers'], directory: string): Config['peers'] {
  const absolute = (path: string | null): string | null => (path === null ? null : resolve(directory, path));
  const paths = (peer: Peer): Peer => {
    if (peer.kind === 'folder') return { ...peer, directory: resolve(directory, peer.directory) };
    if (peer.kind === 'dicom') {
      const { user } = peer.receive;
      if (user === null) return peer;
      return { ...peer, receive: { ...peer.receive, user: { ...user, passcodeFile: absolute(user.passcodeFile) } } };
    }
    const { bearerTokenFile, passwordFile } = peer;
    return { ...peer, bearerTokenFile: absolute(bearerTokenFile), passwordFile: absolute(passwordFile) };
  };
  const found: Record<string, Peer> = Object.create(null);
  for (const [name, peer] of Object.entries(peers)) found[name] = paths(peer);
  return found;
}

/** Whether limpid can deliver to a peer; a DICOM node without an address only sends. */
export function isDestination(peer: Peer): boolean {
  return peer.kind !== 'dicom' || (peer.host !== null && peer.port !== null);
}
