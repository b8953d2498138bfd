/** Reads the configuration: one YAML file, perhaps a file of rules beside it, and LIMPID_ variables. Every fault at once, each with its place. */
import { access, constants, readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { LimpidError } from '../errors.js';
import { checkCommitment, checkPorts, checkRules } from './checks.js';
import type { KnownModel } from './checks.js';
import { ConfigInvalidError, pathText } from './faults.js';
import type { ConfigFault } from './faults.js';
import type { z } from 'zod';
import { checkPeers } from './check-peers.js';
import { applyOverrides } from './overrides.js';
import type { Environment } from './overrides.js';
import { withAbsolutePaths } from './peers.js';
import { errorCode, mapping } from '../conditions/plain.js';
import { schemaFaults, valueAt } from './schema-faults.js';
import { roles } from './roles.js';
import type { Role } from './roles.js';
import { configSchema } from './schema.js';
import type { Config } from './schema.js';
import { checkTlsFiles, checkTlsKeys, withAbsoluteFiles } from './tls-files.js';
import { readYaml } from './yaml-source.js';
import type { KeyPath, YamlSource } from './yaml-source.js';

export interface LoadOptions {
  /** Models that rules may name, by id, with those of the site's own folder; undefined: ids are not checked. */
  readonly knownModels?: ((own: string | null) => Promise<ReadonlyMap<string, KnownModel>>) | undefined;
  /** Whether certificate files are read and checked: by processes that use them; others may not be allowed to. */
  readonly certificates?: 'check' | 'leave';
}

async function readSource(file: string): Promise<YamlSource> {
  try {
    return readYaml(file, await readFile(file));
  } catch (error) {
    const why = errorCode(error) === 'ENOENT' ? 'is not there' : `cannot be read: ${errorCode(error)}`;
    throw new LimpidError('CONFIG_UNREADABLE', `${file} ${why}`, { cause: error });
  }
}

function deepFreeze<T>(value: T): T {
  // Compiled patterns keep state of their own; they are told by their test function.
  if (typeof value !== 'object' || value === null || 'test' in value || Object.isFrozen(value)) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}

/**
 * Reads, checks and freezes the configuration.
 *
 * @throws LimpidError `CONFIG_UNREADABLE`; ConfigInvalidError (`CONFIG_INVALID`) with every fault
 */
export async function loadConfig(file: string, environment: Environment, options: LoadOptions = {}): Promise<Config> {
  const main = await readSource(file);
  const named = valueAt(main.value, ['rules']);
  const rules = typeof named === 'string' ? await readRules(main, resolve(dirname(file), named), named) : null;
  const ruleList = rules === null || 'line' in rules ? [] : (rules.value ?? []);
  const value = rules === null ? main.value : { ...mapping(main.value), rules: ruleList };
  const overridden = applyOverrides(value ?? {}, environment);
  const faults: ConfigFault[] = [...main.faults, ...overridden.faults];
  if (rules !== null) faults.push(...('line' in rules ? [rules] : rules.faults));

  const complain = (path: KeyPath, message: string, ofKey = false): void => {
    const inRules = path[0] === 'rules' && rules !== null && !('line' in rules);
    const source = inRules ? rules : main;
    const variable = originOf(overridden.origins, path);
    const place = inRules ? path.slice(1) : path;
    const position = ofKey ? source.keyPositionOf(place) : source.positionOf(place);
    faults.push({
      file: variable ?? source.file,
      ...(variable === undefined ? position : { line: 0, column: 0 }),
      path: pathText(path),
      message,
    });
  };
  if (main.value === undefined && main.faults.length > 0) throw new ConfigInvalidError(faults);
  const result = configSchema.safeParse(overridden.value);
  for (const fault of result.success ? [] : schemaFaults(result.error, overridden.value, [])) {
    complain(fault.path, fault.message, fault.ofKey);
  }
  const rawRules = valueAt(overridden.value, ['rules']);
  const rawPeers = valueAt(overridden.value, ['peers']);
  const knownModels = await modelsOf(options, overridden.value, dirname(file), complain);
  checkRules(rawRules, rawPeers, knownModels, (path, message) => complain(['rules', ...path], message));
  // the one name that a schema of names passes over, and drops with what it names
  if (valueAt(rawPeers, ['__proto__']) !== undefined)
    complain(['peers', '__proto__'], 'a peer cannot have this name', true);
  checkCommitment(rawPeers, (path, message) => complain(['peers', ...path], message));
  await checkQueue(valueAt(overridden.value, ['queue']), dirname(file), complain);
  const data = result.success ? absolutePaths(result.data, dirname(file)) : null;
  if (data !== null) {
    await checkPeers(data.peers, complain);
    checkPorts(data.node, complain);
    checkTlsKeys(data, complain);
    if (options.certificates === 'check') await checkTlsFiles(data, complain);
  }
  if (data === null || faults.length > 0) throw new ConfigInvalidError(faults.sort(byPlace));
  const assemble = valueAt(overridden.value, ['assemble']) ?? {};
  return deepFreeze({
    ...data,
    shared: { assemble, peers: rawPeers ?? {}, rules: rawRules ?? [] },
    written: overridden.value,
  });
}

/** The variable that gave the value at `path`, or the list that it stands in. */
function originOf(origins: ReadonlyMap<string, string>, path: KeyPath): string | undefined {
  const list = typeof path.at(-1) === 'number' ? path.slice(0, -1) : path;
  return origins.get(list.join('.'));
}

/** What rules may name; undefined: that is not asked for, or the site's own folder of models is spoiled, and `complain` is told. */
async function modelsOf(
  { knownModels }: LoadOptions,
  value: unknown,
  directory: string,
  complain: (path: KeyPath, message: string) => void,
): Promise<ReadonlyMap<string, KnownModel> | undefined> {
  const named: unknown = valueAt(value, ['models', 'directory']);
  const own = typeof named === 'string' ? resolve(directory, named) : null;
  try {
    return await knownModels?.(own);
  } catch (error) {
    if (own === null || !(error instanceof LimpidError)) throw error;
    complain(['models', 'directory'], error.message);
    return undefined;
  }
}

/** Paths of a configuration are relative to its file. */
function absolutePaths(data: z.output<typeof configSchema>, directory: string) {
  const { peers, models, queue, ...rest } = withAbsoluteFiles(data, directory);
  const absolute = (path: string | null): string | null => (path === null ? null : resolve(directory, path));
  return {
    ...rest,
    queue: { ...queue, passwordFile: absolute(queue.passwordFile) },
    models: { directory: absolute(models.directory) },
    peers: withAbsolutePaths(peers, directory),
  };
}

const byPlace = (a: ConfigFault, b: ConfigFault): number =>
  a.file.localeCompare(b.file) || a.line - b.line || a.column - b.column;

async function readRules(main: YamlSource, file: string, named: string): Promise<YamlSource | ConfigFault> {
  try {
    return readYaml(file, await readFile(file));
  } catch (error) {
    const message = `the file of rules ${named} cannot be read: ${errorCode(error)}`;
    return { file: main.file, ...main.positionOf(['rules']), path: 'rules', message };
  }
}

async function checkQueue(
  queue: unknown,
  directory: string,
  complain: (path: KeyPath, message: string) => void,
): Promise<void> {
  const inner: unknown = valueAt(queue, ['url']);
  const url = typeof queue === 'string' ? queue : inner;
  if (typeof url === 'string' && URL.canParse(url) && new URL(url).password !== '') {
    complain(inner === undefined ? ['queue'] : ['queue', 'url'], 'a password stands in a file: use passwordFile');
  }
  const secret: unknown = valueAt(queue, ['passwordFile']);
  if (typeof secret !== 'string') return;
  try {
    await access(resolve(directory, secret), constants.R_OK);
  } catch (error) {
    complain(['queue', 'passwordFile'], `${secret} cannot be read: ${errorCode(error)}`);
  }
}

/** The queue's URL with the password of its file in it. Keep it out of logs. */
export async function queueUrl(queue: Config['queue']): Promise<string> {
  if (queue.passwordFile === null) return queue.url;
  const url = new URL(queue.url);
  const text = await readFile(queue.passwordFile, 'utf8');
  url.password = encodeURIComponent(text.replace(/\r?\n$/, ''));
  return url.href;
}

/**
 * Checks that this process can run these roles with this configuration.
 *
 * @throws ConfigInvalidError: the embedded queue serves one process, which then runs all roles
 */
export function checkRoles(config: Config, wanted: readonly Role[]): void {
  const missing = roles.filter((role) => !wanted.includes(role));
  if (config.queue.url !== 'embedded' || missing.length === 0) return;
  const message = `queue: embedded serves one process with all roles, without ${missing.join(', ')} use queue: redis://...`;
  throw new ConfigInvalidError([{ file: '--roles', line: 0, column: 0, path: '', message }]);
}
