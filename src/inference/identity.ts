import { createHash } from 'node:crypto';

/** SHA-256 (hex) of a model file's bytes. */
export function modelSha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** What stands for the file's SHA-256 in filters: SHA-256 of `filter:` + id + LF + version (conformance: identity). */
export function filterIdentity(id: string, version: string): string {
  return createHash('sha256').update(`filter:${id}\n${version}`, 'utf8').digest('hex');
}
