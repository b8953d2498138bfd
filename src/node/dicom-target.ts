// Where a DICOM peer of the configuration is called, and how patiently.
import type { Config } from '../config/schema.js';
import type { AssociationWatch, ScuTarget } from '../io/dimse/requestor.js';
import type { NodeTls } from './open-tls.js';

/** @param watch told of every association that is asked for @returns undefined: it has no address */
export function dicomTarget(
  name: string,
  { node, peers }: Pick<Config, 'node' | 'peers'>,
  tls: NodeTls,
  watch?: AssociationWatch,
): ScuTarget | undefined {
  const peer = peers[name];
  if (peer?.kind !== 'dicom' || peer.host === null || peer.port === null) return undefined;
  const { aeTitle, host, port, timeoutMs } = peer;
  return {
    aeTitle,
    host,
    port,
    callingAe: node.aeTitle,
    tls: tls.target(name),
    limits: { responseMs: timeoutMs },
    ...(watch === undefined ? {} : { watch }),
  };
}
