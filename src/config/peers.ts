// What the configuration says of peers, asked by those who do not care of which kind one is.
import type { Config } from './schema.js';

export type Peer = Config['peers'][string];
export type DicomPeer = Extract<Peer, { readonly kind: 'dicom' }>;

/** The DICOM nodes among the peers, with their names. */
export function dicomPeers(peers: Config['peers']): [name: string, peer: DicomPeer][] {
  return Object.entries(peers).flatMap(([name, peer]) => (peer.kind === 'dicom' ? [[name, peer]] : []));
}

/** Whether limpid can deliver to a peer; a DICOM node without an address only sends. */
export function isDestination(peer: Peer): boolean {
  return peer.kind !== 'dicom' || (peer.host !== null && peer.port !== null);
}
