// A peer's destination, as the peer is configured.
import { readFile } from 'node:fs/promises';
import type { AppOptions } from './app-options.js';
import type { Peer, WebPeer } from '../config/peers.js';
import type { Destination } from '../deliver/destination.js';
import { dicomDestination } from '../deliver/dicom-destination.js';
import { dicomwebDestination } from '../deliver/dicomweb-destination.js';
import { folderDestination } from '../deliver/folder-destination.js';
import { endingThreadsTwice } from '../deliver/transcoder.js';
import type { Transcode } from '../deliver/transcoder.js';
import { dicomTarget } from './dicom-target.js';
import type { NodeTls } from './open-tls.js';
import { WebFailure } from '../io/dicomweb/http.js';
import type { WebTarget } from '../io/dicomweb/http.js';
import type { AssociationWatch } from '../io/dimse/requestor.js';

/** @returns null: nothing can be sent to it */
export function destinationOf(
  name: string,
  peer: Peer,
  options: Pick<AppOptions, 'config' | 'log'> & {
    readonly tls: NodeTls;
    readonly transcode: Transcode;
    readonly watch: AssociationWatch | undefined;
  },
): Destination | null {
  const { config, tls, watch } = options;
  const log = options.log.with({ peer: name });
  const transcode = endingThreadsTwice(options.transcode);
  const sourceAe = config.node.aeTitle;
  if (peer.kind === 'folder') return folderDestination(peer, { sync: config.spool.sync, sourceAe });
  if (peer.kind === 'dicomweb') {
    const { connections, batchBytes } = peer;
    return dicomwebDestination(webTargetOf(name, peer, tls), {
      connections,
      batchBytes,
      policy: peer,
      sourceAe,
      transcode,
      log,
      now: Date.now,
    });
  }
  const target = dicomTarget(name, config, tls, watch);
  const { associations } = peer;
  return target === undefined ? null : dicomDestination(target, { associations, policy: peer, transcode, log });
}

export function webTargetOf(name: string, peer: WebPeer, tls: NodeTls): WebTarget {
  const { url, timeoutMs, bytesPerSecond } = peer;
  return { url, timeoutMs, bytesPerSecond, tls: tls.target(name), authorization: authorizationOf(peer) };
}

/** What a header may hold (RFC 9110 Section 5.5): a second line, say, would end each request in limpid itself. */
const isToken = /^[\x20-\x7e]+$/;

/** The Authorization header, from files that may change. */
function authorizationOf({ bearerTokenFile, username, passwordFile }: WebPeer): () => Promise<string | null> {
  // The destination's fault, and none of the instance that is being sent.
  const failed = (why: string): WebFailure =>
    new WebFailure('DICOMWEB_CONNECT', why, { phase: 'connecting', deliveryClass: 'permanent' });
  const secret = async (file: string): Promise<string> => {
    try {
      return (await readFile(file, 'utf8')).trim();
    } catch (error) {
      throw failed(`the login cannot be read: ${String(error).replace(/^Error: /, '')}`);
    }
  };
  const token = async (file: string): Promise<string> => {
    const text = await secret(file);
    if (!isToken.test(text)) throw failed(`the login cannot be used: ${file} holds more than a token, or none`);
    return text;
  };
  if (bearerTokenFile !== null) return async () => `Bearer ${await token(bearerTokenFile)}`;
  if (username === null || passwordFile === null) return () => Promise.resolve(null);
  return async () => `Basic ${Buffer.from(`${username}:${await secret(passwordFile)}`).toString('base64')}`;
}
