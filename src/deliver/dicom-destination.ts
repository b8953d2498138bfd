// A DICOM peer as a destination: C-STORE over parallel associations.
import { readFile } from 'node:fs/promises';
import { readInstance } from '../dicom/file.js';
import { nativeDataSet } from '../dicom/transcode.js';
import { echo, send } from '../io/dimse/scu.js';
import type { Log } from '../observe/log.js';
import type { Destination } from './destination.js';

/** The destination of a configured peer; null for one that only sends to this node. */
export function destinationOf(
  peer: {
    readonly aeTitle: string;
    readonly host: string | null;
    readonly port: number | null;
    readonly associations: number;
  },
  node: { readonly callingAe: string; readonly log: Log },
): Destination | null {
  if (peer.host === null || peer.port === null) return null;
  const target = { aeTitle: peer.aeTitle, host: peer.host, port: peer.port, callingAe: node.callingAe };
  return {
    async send(instances, signal) {
      const { association, outcomes } = await send(target, instances, {
        associations: peer.associations,
        signal,
        log: node.log,
        convert: async (file, transferSyntaxUid) =>
          nativeDataSet(readInstance(await readFile(file)).dataSet, transferSyntaxUid),
      });
      return { association, outcomes };
    },
    async probe(signal) {
      try {
        return (await echo(target, { log: node.log, signal })).status === 0;
      } catch {
        return false; // whatever the failure: the breaker stays open, and its state is the report
      }
    },
  };
}
