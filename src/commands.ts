// The commands' work, put together from the rooms: what the command line may not import by itself is handed in here.
import { stat } from 'node:fs/promises';
import { once } from 'node:events';
import { hostname, userInfo } from 'node:os';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openApp } from './app.js';
import { judgeBy } from './admin-ports.js';
import { callPeer } from './call-peer.js';
import type { CallPeer } from './cli/called-peer.js';
import { configCommands } from './cli/config.js';
import { enhanceCommand } from './cli/enhance.js';
import { evaluateCommands } from './cli/evaluate.js';
import { modelCommands } from './cli/models.js';
import type { Output } from './cli/output.js';
import type { Commands } from './cli/program.js';
import { ruleCommands } from './cli/rules.js';
import { peerCommands } from './cli/peers.js';
import { scuCommands } from './cli/scu.js';
import { seriesCommands } from './cli/series.js';
import { withdrawCommand } from './cli/withdraw.js';
import { checkRoles, loadConfig } from './config/load.js';
import type { Environment } from './config/overrides.js';
import type { Peer } from './config/peers.js';
import type { Config } from './config/schema.js';
import { LimpidError } from './errors.js';
import { keepHeapSmall } from './heap.js';
import { openRegistry } from './inference/registry.js';
import { openLog } from './observe/log.js';
import { openMetrics } from './observe/metrics.js';
import { spoolCommands } from './cli/spool.js';
import { certificateNotices, noTls, openTls, usesTls } from './open-tls.js';
import { Layout } from './spool/layout.js';
import { openSpool } from './spool/spool.js';
import type { Spool } from './spool/spool.js';
import { sweep } from './spool/sweep.js';
import { verifySpool } from './spool/verify.js';

/** `models/` beside the compiled program. */
const modelsDirectory = resolve(dirname(fileURLToPath(import.meta.url)), '../../models');
const drainMs = 30_000;

export function openCommands(output: Output, environment: Environment, failed: () => void): Commands {
  const load = async (file: string, certificates: 'check' | 'leave' = 'leave'): Promise<Config> => {
    const registry = await openRegistry(modelsDirectory);
    const knownModels = new Map(registry.list().map((card) => [card.id, card]));
    const config = await loadConfig(file, environment, { knownModels, certificates });
    // Paths of a configuration are relative to its file.
    const directory = resolve(dirname(file), config.spool.directory);
    return { ...config, spool: { ...config.spool, directory } };
  };
  const quiet = openLog('warn');
  const withSpool = async <T>(file: string, body: (spool: Spool, config: Config) => Promise<T>): Promise<T> => {
    const config = await load(file);
    const { directory, sync } = config.spool;
    if ((await stat(new Layout(directory).description).catch(() => null)) === null) {
      throw new LimpidError(
        'USAGE',
        `${directory} (spool.directory of ${file}) is no spool yet: \`limpid serve\` makes one`,
      );
    }
    const spool = await openSpool({ directory, sync, host: hostname(), now: Date.now });
    try {
      return await body(spool, config);
    } finally {
      await spool.close();
    }
  };
  const call: CallPeer = async (file, name) => {
    const config = await load(file);
    const peer = findPeer(file, config, name);
    const by = peer.kind === 'dicom' && peer.commitment !== null ? (peer.commitment.by ?? name) : name;
    // keys that this user may not read matter only where they are needed
    const isSecured = [name, by].some((one) => usesTlsAt(config.peers[one]));
    return callPeer(name, peer, { config, tls: isSecured ? await openTls(config) : noTls, log: quiet });
  };
  return {
    serve: async ({ config: file, roles, standby }) => {
      const config = await load(file, usesTls(roles) ? 'check' : 'leave');
      checkRoles(config, roles);
      const log = openLog(config.log.level);
      const stop = new AbortController();
      for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
      const onHangUp = (listener: () => void) => {
        process.on('SIGHUP', listener);
        return () => void process.removeListener('SIGHUP', listener);
      };
      const stopping = stop.signal;
      const options = { config, roles, standby, modelsDirectory, log, metrics: openMetrics(), stopping, onHangUp };
      const app = await openApp(options);
      if (app === null) return;
      keepHeapSmall();
      output.out(app.ready);
      if (!stop.signal.aborted) await once(stop.signal, 'abort');
      log.info('draining');
      const late = setTimeout(() => {
        log.error('not drained in time');
        process.exit(1);
      }, drainMs);
      await app.drain();
      clearTimeout(late);
    },
    enhance: enhanceCommand(
      async (files, options, progress) => {
        const { enhanceFiles } = await import('./enhance-files.js'); // with its decoders: not in the memory of a node
        return enhanceFiles(files, { ...options, modelsDirectory, load, log: quiet }, progress);
      },
      output,
      failed,
    ),
    evaluate: evaluateCommands(
      async () => {
        const [{ openEvaluation }, { enhanceFiles }] = await Promise.all([
          import('./evaluation.js'),
          import('./enhance-files.js'),
        ]);
        return openEvaluation((files, { model, strength, out }) =>
          enhanceFiles(
            files,
            { model, strength, out, config: null, modelsDirectory, load, log: quiet },
            () => undefined,
          ),
        );
      },
      output,
      failed,
    ),
    scu: scuCommands(call, output, failed),
    peers: peerCommands({ load, call, now: Date.now }, output, failed),
    series: seriesCommands(
      (file, body) => withSpool(file, (spool, config) => body(spool, judgeBy(config.peers, null, Date.now))),
      { user: userInfo().username, now: Date.now },
      output,
    ),
    withdraw: withdrawCommand(
      (file, body) => withSpool(file, body),
      { user: userInfo().username, now: Date.now },
      output,
    ),
    rules: ruleCommands(
      load,
      async (files, options) => {
        const { explainFiles } = await import('./explain-files.js');
        return explainFiles(files, { ...options, modelsDirectory, load });
      },
      output,
      failed,
    ),
    models: modelCommands((directory) => openRegistry(directory ?? modelsDirectory), output, failed),
    config: configCommands((file) => load(file, 'check'), certificateNotices, output),
    spool: spoolCommands(
      {
        sweep: (file) =>
          withSpool(file, (spool, config) =>
            sweep({ spool, policy: config.spool.keep, log: quiet, now: Date.now }, new AbortController().signal),
          ),
        verify: (file, depth, progress) => withSpool(file, (spool) => verifySpool(spool, depth, progress)),
      },
      output,
      failed,
    ),
  };
}

const usesTlsAt = (peer: Peer | undefined): boolean =>
  peer !== undefined && peer.kind !== 'folder' && peer.tls !== null;

/** @throws LimpidError USAGE: no such peer */
function findPeer(file: string, { peers }: Config, name: string): Peer {
  const peer = peers[name];
  if (peer === undefined) {
    throw new LimpidError('USAGE', `${file} has no peer ${name}: ${Object.keys(peers).join(', ')}`);
  }
  return peer;
}
