// What no schema sees: names that must fit each other. Works on the raw value, so that it speaks beside the schema's faults, not after them.
import { mapping } from '../conditions/plain.js';
import type { Mapping } from '../conditions/plain.js';
import { didYouMean } from '../conditions/suggest.js';
import { strengths } from './rule-schema.js';

export type Complain = (path: readonly (string | number)[], message: string) => void;
/** What the checks need of a model card. */
export interface KnownModel {
  readonly defaultStrength: number;
}

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** Checks the rules against each other, the peers and the models. */
export function checkRules(
  rules: unknown,
  peers: unknown,
  models: ReadonlyMap<string, KnownModel> | undefined,
  complain: Complain,
): void {
  const names = new Set<unknown>();
  let decided: string | null = null;
  for (const [index, value] of list(rules).entries()) {
    const rule = mapping(value);
    const at = [index];
    if (names.has(rule['name'])) complain([...at, 'name'], `another rule before it is named ${String(rule['name'])}`);
    names.add(rule['name']);
    if (decided !== null) complain(at, `never reached: rule ${decided} matches every series`);
    if (rule['when'] === undefined && rule['continue'] !== true) decided ??= String(rule['name']);
    checkActions(rule, at, complain);
    for (const key of ['forward', 'deliver']) checkPeers(list(rule[key]), mapping(peers), [...at, key], complain);
    checkTasks(list(rule['enhance']), models, [...at, 'enhance'], complain);
  }
}

/** Checks that a peer which is asked for commitment can be called. */
export function checkCommitment(peers: unknown, complain: Complain): void {
  const all = mapping(peers);
  for (const [name, value] of Object.entries(all)) {
    const commitment = mapping(value)['commitment'];
    if (commitment === undefined || commitment === null || commitment === false) continue;
    const by = mapping(commitment)['by'] ?? null;
    if (by === null)
      checkPeers([name], all, [name, 'commitment'], (_, message) => complain([name, 'commitment'], message));
    else
      checkPeers([by], all, [name, 'commitment', 'by'], (_, message) => complain([name, 'commitment', 'by'], message));
  }
}

interface Listeners {
  readonly dimse: {
    readonly host: string;
    readonly port: number | null;
    readonly tls: { readonly port: number | null } | null;
  };
  readonly http: { readonly host: string; readonly port: number };
}

/** Addresses that take the calls to every other one of the machine too. */
const everyAddress: readonly string[] = ['0.0.0.0', '::'];

/** Checks that the node's listeners do not take each other's port. */
export function checkPorts({ dimse, http }: Listeners, complain: Complain): void {
  const listeners = [
    { path: ['node', 'dimse', 'port'], host: dimse.host, port: dimse.port },
    { path: ['node', 'dimse', 'tls', 'port'], host: dimse.host, port: dimse.tls?.port ?? null },
    { path: ['node', 'http', 'port'], host: http.host, port: http.port },
  ].filter(({ port }) => port !== null && port !== 0);
  for (const [index, { path, host, port }] of listeners.entries()) {
    const other = listeners.slice(0, index).find((one) => one.port === port && isSharedHost(one.host, host));
    if (other !== undefined) complain(path, `${other.path.join('.')} has port ${port} too: give each its own`);
  }
}

const isSharedHost = (one: string, other: string): boolean =>
  one === other || everyAddress.includes(one) || everyAddress.includes(other);

function checkActions(rule: Mapping, at: readonly number[], complain: Complain): void {
  const does = (key: string): boolean =>
    rule[key] !== undefined && !(Array.isArray(rule[key]) && rule[key].length === 0);
  const acts = does('enhance') || does('forward') || does('deliver');
  if (rule['ignore'] === true && acts)
    complain([...at, 'ignore'], 'a rule that ignores has no enhance, forward or deliver');
  if (rule['ignore'] === true && rule['continue'] === true) {
    complain([...at, 'continue'], 'a rule that ignores decides; it cannot continue');
  }
  if (rule['ignore'] === undefined && !acts)
    complain(at, 'the rule does nothing: add enhance, forward or ignore: true');
  if (does('enhance') && !does('deliver')) {
    complain([...at, 'enhance'], 'deliver is missing: which peers get the derived series?');
  }
  if (does('deliver') && !does('enhance')) {
    complain([...at, 'deliver'], 'there is no derived series to deliver; forward sends the originals');
  }
}

function checkPeers(
  names: readonly unknown[],
  peers: Mapping,
  at: readonly (string | number)[],
  complain: Complain,
): void {
  const seen = new Set<unknown>();
  for (const [index, name] of names.entries()) {
    if (typeof name !== 'string') continue;
    if (seen.has(name)) complain([...at, index], `peer ${name} is named twice`);
    seen.add(name);
    const peer = Object.hasOwn(peers, name) ? mapping(peers[name]) : undefined;
    if (peer === undefined) {
      complain([...at, index], `there is no peer ${name}${didYouMean(name, Object.keys(peers))}`);
    } else if (
      (peer['kind'] ?? 'dicom') === 'dicom' &&
      ((peer['host'] ?? null) === null || (peer['port'] ?? null) === null)
    ) {
      complain([...at, index], `peer ${name} has no host and port to send to`);
    }
  }
}

function checkTasks(
  tasks: readonly unknown[],
  models: ReadonlyMap<string, KnownModel> | undefined,
  at: readonly (string | number)[],
  complain: Complain,
): void {
  const named: Readonly<Record<string, number>> = strengths; // unchecked words are looked up in it
  const seen = new Set<string>();
  for (const [index, value] of tasks.entries()) {
    const { with: model, strength, fallback } = mapping(value);
    if (typeof model !== 'string') continue;
    if (fallback === model) complain([...at, index, 'fallback'], 'a model cannot take its own place');
    else if (typeof fallback === 'string' && models !== undefined && !models.has(fallback)) {
      complain(
        [...at, index, 'fallback'],
        `there is no model or filter ${fallback}${didYouMean(fallback, models.keys())}`,
      );
    }
    const known = models?.get(model);
    if (models !== undefined && known === undefined && model !== 'auto') {
      complain([...at, index, 'with'], `there is no model or filter ${model}${didYouMean(model, models.keys())}`);
    }
    const share = typeof strength === 'string' ? named[strength] : (strength ?? known?.defaultStrength);
    const same = `${model} ${JSON.stringify(share)}`;
    if (seen.has(same)) complain([...at, index], `the same task stands before it: ${model} at equal strength`);
    seen.add(same);
  }
}
