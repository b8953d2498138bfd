/**
 * The commands' work, put together from the rooms: what the command line may not import by itself is handed in here. A command loads
 * what it needs when it is called: all of limpid takes a second, the help nothing of it.
 */
import { stat } from 'node:fs/promises';
import { hostname, userInfo } from 'node:os';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CallPeer } from '../cli/called-peer.js';
import type { Output } from '../cli/output.js';
import type { Commands } from '../cli/program.js';
import type { LoadOptions } from '../config/load.js';
import type { Environment } from '../config/overrides.js';
import type { Peer } from '../config/peers.js';
import type { Config } from '../config/schema.js';
import { actingUser } from './acting-user.js';
import { didYouMean } from '../conditions/suggest.js';
import { LimpidError } from '../errors.js';
import type { Registry, openRegistry } from '../inference/registry.js';
import type { Spool } from '../spool/spool.js';

/** `models/` beside the compiled program. */
const modelsDirectory = resolve(dirname(fileURLToPath(import.meta.url)), '../../../models');

export function openCommands(output: Output, environment: Environment, failed: () => void): Commands {
  const registryOf = async (directory: string, options: Parameters<typeof openRegistry>[1] = {}): Promise<Registry> =>
    (await import('../inference/registry.js')).openRegistry(directory, options);
  const read = async (file: string, options: LoadOptions): Promise<Config> => {
    const { loadConfig } = await import('../config/load.js');
    const config = await loadConfig(file, environment, options);
    // Paths of a configuration are relative to its file.
    const directory = resolve(dirname(file), config.spool.directory);
    return { ...config, spool: { ...config.spool, directory } };
  };
  const load = async (file: string, certificates: 'check' | 'leave' = 'leave'): Promise<Config> => {
    const knownModels = async (own: string | null) =>
      new Map((await registryOf(modelsDirectory, { own })).list().map((card) => [card.id, card]));
    return read(file, { knownModels, certificates });
  };
  /** Rules whose models are for other series than they match. */
  const modelNotices = async (config: Config): Promise<readonly string[]> => {
    const { modelNotices: noticesOf } = await import('../config/model-notices.js');
    return noticesOf(config, (await registryOf(modelsDirectory, { own: config.models.directory })).list());
  };
  const quiet = async () => (await import('../observe/log.js')).openLog('warn');
  const withSpool = async <T>(
    file: string,
    body: (spool: Spool, config: Config) => Promise<T>,
    use: 'read' | 'write' = 'write',
  ): Promise<T> => {
    const config = await load(file);
    const { directory, sync } = config.spool;
    const { openSpool, openSpoolToRead } = await import('../spool/open-spool.js');
    const { Layout } = await import('../spool/layout.js');
    if ((await stat(new Layout(directory).description).catch(() => null)) === null) {
      throw new LimpidError(
        'USAGE',
        `${directory} (spool.directory of ${file}) is no spool yet: \`limpid serve\` makes one`,
      );
    }
    const open = use === 'read' ? openSpoolToRead : openSpool;
    const spool = await open({ directory, sync, host: hostname(), now: Date.now });
    try {
      return await body(spool, config);
    } finally {
      await spool.close();
    }
  };
  const call: CallPeer = async (file, name) => {
    const config = await read(file, {}); // models are not asked for by who calls a peer
    const peer = findPeer(file, config, name);
    const [{ callPeer }, { noTls, openTls }, { saidLog }] = await Promise.all([
      import('./call-peer.js'),
      import('../node/open-tls.js'),
      import('../cli/said-log.js'),
    ]);
    const log = saidLog(output);
    const by = peer.kind === 'dicom' && peer.commitment !== null ? (peer.commitment.by ?? name) : name;
    // keys that this user may not read matter only where they are needed
    const isSecured = [name, by].some((one) => usesTlsAt(config.peers[one]));
    return callPeer(name, peer, { config, tls: isSecured ? await openTls(config) : noTls, log });
  };
  const person = { user: actingUser(environment, () => userInfo().username, process.getuid?.()), now: Date.now };
  return {
    async serve(options) {
      const { serve } = await import('../node/serve.js');
      return serve({ ...options, modelsDirectory, load, output });
    },
    async enhance() {
      const { enhanceCommand } = await import('../cli/enhance.js');
      return enhanceCommand(
        async (files, options, progress) => {
          const { enhanceFiles } = await import('./enhance-files.js');
          return enhanceFiles(files, { ...options, modelsDirectory, load, log: await quiet() }, progress);
        },
        output,
        failed,
      );
    },
    async evaluate() {
      const { evaluateCommands } = await import('../cli/evaluate.js');
      const open = async (config: string | null) => {
        const { openEvaluation } = await import('./evaluation.js');
        const { enhanceFiles } = await import('./enhance-files.js');
        const fixed = { config, modelsDirectory, load, log: await quiet() };
        const own = config === null ? null : (await load(config)).models.directory;
        return openEvaluation({
          run: (files, { model, strength, out }) =>
            enhanceFiles(files, { model, strength, out, ...fixed }, () => undefined),
          seesNeighbours: async (model) => (await registryOf(modelsDirectory, { own })).get(model)?.input?.slices === 3,
        });
      };
      return evaluateCommands(open, output, failed);
    },
    async scu() {
      const { scuCommands } = await import('../cli/scu.js');
      return scuCommands(call, output, failed);
    },
    async peers() {
      const { peerCommands } = await import('../cli/peers.js');
      return peerCommands({ load, call, now: Date.now }, output, failed);
    },
    async series() {
      const { seriesCommands } = await import('../cli/series.js');
      const { judgeBy } = await import('../node/admin-ports.js');
      const open: Parameters<typeof seriesCommands>[0] = (file, use, body) =>
        withSpool(file, (spool, config) => body(spool, judgeBy(config.peers, null, Date.now)), use);
      return seriesCommands(open, person, output);
    },
    async withdraw() {
      const { withdrawCommand } = await import('../cli/withdraw.js');
      return withdrawCommand((file, body) => withSpool(file, body), person, output, failed);
    },
    async rules() {
      const { ruleCommands } = await import('../cli/rules.js');
      const explain: Parameters<typeof ruleCommands>[0]['explain'] = async (files, options) => {
        const { explainFiles } = await import('./explain-files.js');
        return explainFiles(files, { ...options, modelsDirectory, load, log: await quiet() });
      };
      return ruleCommands({ load, explain, notices: modelNotices }, output, failed);
    },
    async models() {
      const { modelCommands } = await import('../cli/models.js');
      const open: Parameters<typeof modelCommands>[0] = async ({ models, config }, options) => {
        // Read without the check that its models are there: that one is broken is what `verify` is to tell.
        const own = config === undefined ? null : (await read(config, {})).models.directory;
        return registryOf(models ?? modelsDirectory, { ...options, own });
      };
      return modelCommands(open, output, failed);
    },
    async config() {
      const { configCommands } = await import('../cli/config.js');
      const { certificateNotices } = await import('../node/open-tls.js');
      const notices = async (config: Config): Promise<readonly string[]> => [
        ...(await modelNotices(config)),
        ...(await certificateNotices(config)),
      ];
      return configCommands((file) => load(file, 'check'), notices, output);
    },
    async spool() {
      const { spoolCommands } = await import('../cli/spool.js');
      const { sweep } = await import('../spool/sweep.js');
      const { verifySpool } = await import('../spool/verify.js');
      const never = new AbortController().signal;
      return spoolCommands(
        {
          sweep: (file) =>
            withSpool(file, async (spool, { spool: { keep } }) =>
              sweep({ spool, policy: keep, log: await quiet(), now: Date.now }, never),
            ),
          verify: (file, depth, progress) => withSpool(file, (spool) => verifySpool(spool, depth, progress)),
        },
        output,
        failed,
      );
    },
  };
}

const usesTlsAt = (peer: Peer | undefined): boolean =>
  peer !== undefined && peer.kind !== 'folder' && peer.tls !== null;

/** @throws LimpidError USAGE: no such peer */
function findPeer(file: string, { peers }: Config, name: string): Peer {
  const peer = peers[name];
  if (peer === undefined) {
    const names = Object.keys(peers);
    const known = names.length === 0 ? 'none' : names.join(', ');
    throw new LimpidError('USAGE', `${file} has no peer ${name}${didYouMean(name, names)} (its peers: ${known})`);
  }
  return peer;
}
