// What is wrong with a configuration: every fault with its place, for people and programs.
import { LimpidError } from '../errors.js';

export interface ConfigFault {
  /** The file, or the environment variable that overrides the key. */
  readonly file: string;
  /** From 1; 0 in an environment variable. */
  readonly line: number;
  readonly column: number;
  /** `rules[0].when.Modality`; empty for the file as a whole. */
  readonly path: string;
  /** What was expected and what was found. */
  readonly message: string;
}

/** `rules[0].when.Modality` of a path. */
export function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((key, index) => (typeof key === 'number' ? `[${key}]` : index === 0 ? String(key) : `.${String(key)}`))
    .join('');
}

/** `config/limpid.yaml:3:24 node.dimse.port: expected a port ...` */
export function faultText({ file, line, column, path, message }: ConfigFault): string {
  const place = line === 0 ? file : `${file}:${line}:${column}`;
  return path === '' ? `${place} ${message}` : `${place} ${path}: ${message}`;
}

/** CONFIG_INVALID with every fault. */
export class ConfigInvalidError extends LimpidError {
  readonly faults: readonly ConfigFault[];
  constructor(faults: readonly ConfigFault[]) {
    super('CONFIG_INVALID', faults.map(faultText).join('\n'));
    this.name = 'ConfigInvalidError';
    this.faults = faults;
  }
}
