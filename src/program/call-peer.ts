// A peer as `limpid echo`, `limpid send` and `limpid peers check` call it: by the code that delivers to it.
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CalledPeer } from '../cli/called-peer.js';
import type { Peer } from '../config/peers.js';
import type { Config } from '../config/schema.js';
import { examineFolder } from '../deliver/examine-folder.js';
import { dicomTarget } from '../node/dicom-target.js';
import { LimpidError } from '../errors.js';
import { askService, examineWeb } from '../io/dicomweb/examine-web.js';
import { examinePeer } from '../io/dimse/examine.js';
import type { ScuTarget } from '../io/dimse/requestor.js';
import { echo, send } from '../io/dimse/scu.js';
import type { Log } from '../observe/log.js';
import { conversionTo } from '../deliver/dicom-destination.js';
import { destinationOf, transcoderOf, webTargetOf } from '../node/open-deliverer.js';
import type { NodeTls } from '../node/open-tls.js';

interface CallOptions {
  readonly config: Config;
  readonly tls: NodeTls;
  readonly log: Log;
}

type DicomPeer = Extract<Peer, { kind: 'dicom' }>;

/** @throws LimpidError USAGE: nothing can be sent to it */
export function callPeer(name: string, peer: Peer, options: CallOptions): CalledPeer {
  return peer.kind === 'dicom' ? callDicom(name, peer, options) : callOther(name, peer, options);
}

function targetOf(name: string, { config, tls }: CallOptions): ScuTarget {
  const target = dicomTarget(name, config, tls);
  if (target !== undefined) return target;
  throw new LimpidError('USAGE', `peer ${name} has no host and port: limpid does not call it`);
}

/** Threads that convert what a peer does not take; their files lie in the system's folder for such. */
const transcoder = () => transcoderOf({ freshFolder: () => mkdtemp(join(tmpdir(), 'limpid-send-')) });

function callDicom(name: string, peer: DicomPeer, options: CallOptions): CalledPeer {
  const target = targetOf(name, options);
  const { log } = options;
  return {
    kind: peer.kind,
    echo: (signal) => echo(target, { log, signal }),
    async send(instances, { signal, told }) {
      const { associations } = peer;
      const conversion = conversionTo(peer, transcoder(), () => 'original');
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

function callOther(name: string, peer: Exclude<Peer, DicomPeer>, options: CallOptions): CalledPeer {
  const destination = destinationOf(name, peer, { ...options, transcode: transcoder(), watch: undefined });
  if (destination === null) throw new LimpidError('USAGE', `nothing can be sent to peer ${name}`);
  return {
    kind: peer.kind,
    async echo(signal) {
      const started = performance.now();
      if (peer.kind === 'dicomweb') {
        const { state, found, advice } = await askService(webTargetOf(name, peer, options.tls), signal);
        if (state === 'failed') throw new LimpidError('DICOMWEB_REFUSED', [found, advice].join('. '));
      } else {
        const failure = await destination.probe(signal);
        if (failure !== null) throw new LimpidError(failure.code, failure.detail);
      }
      return { ms: performance.now() - started, status: null, negotiated: null };
    },
    async send(instances, { signal, told }) {
      const whole = instances.map((instance) => {
        return { ...instance, bytes: instance.place?.bytes ?? 0, origin: 'original' as const };
      });
      const pace = () => Promise.resolve(true);
      const report = await destination.send(whole, { signal, pace, told });
      return { ...report, negotiated: null };
    },
    examine: (nowMs, signal) =>
      peer.kind === 'folder'
        ? examineFolder(peer.directory)
        : examineWeb(webTargetOf(name, peer, options.tls), nowMs, signal),
  };
}
