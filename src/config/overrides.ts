// LIMPID_ variables that override single keys of one process: LIMPID_NODE_DIMSE_PORT for node.dimse.port.
import type { ConfigFault } from './faults.js';
import { isMapping } from '../conditions/plain.js';
import { didYouMean } from '../conditions/suggest.js';

export type Environment = Readonly<Record<string, string | undefined>>;
type Form = 'text' | 'number' | 'number or null' | 'list' | 'number or text';

/** Keys that a variable may override; `assemble`, `peers`, `gate` and `rules` are one for all processes and stay in the file. */
const overridable: Readonly<Record<string, Form>> = {
  'node.aeTitle': 'text',
  'node.name': 'text',
  'node.qualification': 'text',
  'node.codes': 'text',
  'node.institution.name': 'text',
  'node.institution.address': 'text',
  'node.institution.department': 'text',
  'node.unknownCallers': 'text',
  'node.dimse.host': 'text',
  'node.dimse.port': 'number or null',
  'node.dimse.tls.port': 'number or null',
  'node.dimse.tls.certificateFile': 'text',
  'node.dimse.tls.keyFile': 'text',
  'node.dimse.tls.caFile': 'text',
  'node.dimse.tls.clientCertificate': 'text',
  'node.http.host': 'text',
  'node.http.port': 'number',
  'spool.directory': 'text',
  'spool.sync': 'text',
  'spool.keep.delivered': 'text',
  'spool.keep.records': 'text',
  'spool.low': 'text',
  'spool.critical': 'text',
  'spool.settle': 'text',
  'queue.url': 'text',
  'queue.passwordFile': 'text',
  'workers.providers': 'list',
  'workers.threads': 'number or text',
  'workers.batch': 'number',
  'workers.deadline': 'text',
  'workers.memory': 'text',
  'workers.devices': 'number',
  'log.level': 'text',
};

/** Read elsewhere: where the file is, and which roles run. */
const reserved = new Set(['LIMPID_CONFIG', 'LIMPID_ROLES']);
/** Kubernetes sets these for a service named limpid; they are nobody's mistake. */
const ofKubernetes =
  /^LIMPID_(?:[A-Z0-9_]+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)$/;

/** `LIMPID_NODE_DIMSE_PORT` of `node.dimse.port`; `LIMPID_QUEUE` of `queue.url`. */
export function variableOf(path: string): string {
  if (path === 'queue.url') return 'LIMPID_QUEUE';
  return `LIMPID_${path
    .replaceAll(/([a-z])([A-Z])/g, '$1_$2')
    .replaceAll('.', '_')
    .toUpperCase()}`;
}

/** Every variable with the key it overrides, for the documentation. */
export function overrideVariables(): readonly { readonly variable: string; readonly path: string }[] {
  return Object.keys(overridable).map((path) => ({ variable: variableOf(path), path }));
}

function withValue(target: unknown, [key = '', ...rest]: readonly string[], value: unknown): unknown {
  const before = isMapping(target) ? target : {};
  return { ...before, [key]: rest.length === 0 ? value : withValue(before[key], rest, value) };
}

function parsed(text: string, form: Form): unknown {
  if (form === 'number or null' && text === 'null') return null;
  if (form === 'list') return text.split(',').map((part) => part.trim());
  // A text that is no number stays a text, so that the schema says what was expected.
  if (form !== 'text' && /^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  return text;
}

export interface Overridden {
  readonly value: unknown;
  /** Which variable gave the value at a path. */
  readonly origins: ReadonlyMap<string, string>;
  readonly faults: readonly ConfigFault[];
}

/** The configuration's value with the variables of `environment` in it; `value` is not changed. */
export function applyOverrides(value: unknown, environment: Environment): Overridden {
  const origins = new Map<string, string>();
  const faults: ConfigFault[] = [];
  let result = value;
  const known = overrideVariables();
  for (const { variable, path } of known) {
    const text = environment[variable];
    if (text === undefined) continue;
    // The short form `queue: redis://...` becomes the long one, so that one of its keys can be overridden.
    const queue = isMapping(result) ? result['queue'] : undefined;
    if (path === 'queue.passwordFile' && typeof queue === 'string')
      result = withValue(result, ['queue'], { url: queue });
    // The embedded queue has no password: the long form of the file goes with its URL.
    const whole = path === 'queue.url' && (!isMapping(queue) || text === 'embedded');
    const keys = whole ? ['queue'] : path.split('.');
    result = withValue(result, keys, parsed(text, overridable[path] ?? 'text'));
    origins.set(keys.join('.'), variable);
    if (keys[0] === 'queue') origins.set('queue', variable);
  }
  for (const variable of Object.keys(environment).filter((name) => name.startsWith('LIMPID_'))) {
    if (reserved.has(variable) || known.some((entry) => entry.variable === variable)) continue;
    if (ofKubernetes.test(variable)) continue;
    const guess = didYouMean(variable, [...known.map((entry) => entry.variable), ...reserved]);
    faults.push({ file: variable, line: 0, column: 0, path: '', message: `no key has this variable${guess}` });
  }
  return { value: result, origins, faults };
}
