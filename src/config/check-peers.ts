// What no schema sees of a peer: keys that need each other, and secrets that must be readable.
import { access, constants } from 'node:fs/promises';
import type { Complain } from './checks.js';
import type { Peer } from './peers.js';
import { errorCode } from '../conditions/plain.js';

/** @param peers with absolute paths */
export async function checkPeers(peers: Readonly<Record<string, Peer>>, complain: Complain): Promise<void> {
  for (const [name, peer] of Object.entries(peers)) {
    if (peer.kind === 'dicom') {
      const file = peer.receive.user?.passcodeFile ?? null;
      await checkSecret(file, ['peers', name, 'receive', 'user', 'passcodeFile'], complain);
    }
    if (peer.kind !== 'dicomweb') continue;
    const { bearerTokenFile, username, passwordFile } = peer;
    const at = ['peers', name];
    if (username !== null && passwordFile === null) complain([...at, 'username'], 'username needs a passwordFile');
    if (passwordFile !== null && username === null) complain([...at, 'passwordFile'], 'passwordFile needs a username');
    if (bearerTokenFile !== null && username !== null) {
      complain([...at, 'username'], 'one way to log in: bearerTokenFile, or username and passwordFile');
    }
    if (peer.tls !== null && !peer.url.startsWith('https:')) {
      complain([...at, 'url'], 'tls needs an address that begins with https: nothing of it holds over http');
    }
    if (URL.canParse(peer.url) && new URL(peer.url).password !== '') {
      complain([...at, 'url'], 'a password stands in a file: use passwordFile');
    }
    for (const [key, file] of Object.entries({ bearerTokenFile, passwordFile })) {
      await checkSecret(file, [...at, key], complain);
    }
  }
}

async function checkSecret(file: string | null, at: readonly string[], complain: Complain): Promise<void> {
  if (file === null) return;
  await access(file, constants.R_OK).catch((error: unknown) =>
    complain([...at], `${file} cannot be read: ${errorCode(error)}`),
  );
}
