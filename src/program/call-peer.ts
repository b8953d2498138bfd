// A peer as `limpid echo`, `limpid send` and `limpid peers check` call it: by the code that delivers to it.
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CalledPeer } from '../cli/called-peer.js';
import type { Peer } from '../config/peers.js';
import type { Config } from '../config/schema.js';
import { dicomTarget } from '../node/dicom-target.js';
import { LimpidError } from '../errors.js';
import { examinePeer } from '../io/dimse/examine.js';
import type { ScuTarget } from '../io/dimse/requestor.js';
import { echo, send } from '../io/dimse/scu.js';
import type { Log } from '../observe/log.js';
import { conversionTo } from '../deliver/dicom-destination.js';
import type { Transcode } from '../deliver/transcoder.js';
import type { NodeTls } from '../node/open-tls.js';
import { transcodeThreads } from '../node/transcode-threads.js';

interface CallOptions {
  readonly config: Config;
  readonly tls: NodeTls;
  readonly log: Log;
}

type DicomPeer = Extract<Peer, { kind: 'dicom' }>;

/** @throws LimpidError USAGE: nothing can be sent to it */
export async function callPeer(name: string, peer: Peer, options: CallOptions): Promise<CalledPeer> {
  // Their files lie in the system's folder for such.
  const transcode = transcodeThreads({ freshFolder: () => mkdtemp(join(tmpdir(), 'limpid-send-')) });
  if (peer.kind === 'dicom') return callDicom(name, peer, { ...options, transcode });
  const { callService } = await import('./call-service.js'); // nothing that who calls a DICOM node waits for
  return callService(name, peer, { ...options, transcode });
}

function targetOf(name: string, { config, tls }: CallOptions): ScuTarget {
  const target = dicomTarget(name, config, tls);
  if (target !== undefined) return target;
  throw new LimpidError('USAGE', `peer ${name} has no host and port: limpid does not call it`);
}

function callDicom(
  name: string,
  peer: DicomPeer,
  options: CallOptions & { readonly transcode: Transcode },
): CalledPeer {
  const target = targetOf(name, options);
  const { log, transcode } = options;
  return {
    kind: peer.kind,
    echo: (signal) => echo(target, { log, signal }),
    async send(instances, { signal, told }) {
      const { associations } = peer;
      const conversion = conversionTo(peer, transcode, () => 'original');
      const report = await send(target, instances, { signal, associations, log, onOutcome: told, conversion });
      const { association: failure, negotiated, outcomes } = report;
      return { failure, negotiated, outcomes };
    },
    async examine(nowMs, signal) {
      const by = peer.commitment === null ? null : (peer.commitment.by ?? name);
      const commitment = by === null ? null : targetOf(by, options);
      return examinePeer(target, { commitment, nowMs, signal });
    },
  };
}
