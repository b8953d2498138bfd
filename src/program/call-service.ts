// A DICOMweb service or a folder as `limpid echo`, `limpid send` and `limpid peers check` call it: by the code that delivers to it.
import type { CalledPeer } from '../cli/called-peer.js';
import type { Peer } from '../config/peers.js';
import type { Config } from '../config/schema.js';
import { examineFolder } from '../deliver/examine-folder.js';
import type { Transcode } from '../deliver/transcoder.js';
import { LimpidError } from '../errors.js';
import { askService, examineWeb } from '../io/dicomweb/examine-web.js';
import { destinationOf, webTargetOf } from '../node/destination-of.js';
import type { NodeTls } from '../node/open-tls.js';
import type { Log } from '../observe/log.js';

/** @throws LimpidError USAGE: nothing can be sent to it */
export function callService(
  name: string,
  peer: Exclude<Peer, { kind: 'dicom' }>,
  options: {
    readonly config: Config;
    readonly tls: NodeTls;
    readonly transcode: Transcode;
    readonly log: Log;
  },
): CalledPeer {
  const destination = destinationOf(name, peer, { ...options, watch: undefined });
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
