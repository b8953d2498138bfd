// One YAML file: its value, and where in it each key stands.
import { LineCounter, isAlias, isCollection, isMap, isNode, isScalar, parseDocument } from 'yaml';
import type { Document, Pair } from 'yaml';
import type { ConfigFault } from './faults.js';

export type KeyPath = readonly (string | number)[];

export interface YamlSource {
  readonly file: string;
  /** Plain data; undefined where the text is no YAML. */
  readonly value: unknown;
  /** Faults of the YAML itself. */
  readonly faults: readonly ConfigFault[];
  /** Where the value at `path` stands, or the nearest thing above it that is there; a key for a mapping or list. */
  positionOf(path: KeyPath): { readonly line: number; readonly column: number };
  /** Where the key at the end of `path` stands. */
  keyPositionOf(path: KeyPath): { readonly line: number; readonly column: number };
}

function pairAt(document: Document, path: KeyPath): Pair | undefined {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const map = isAlias(parent) ? parent.resolve(document) : parent;
  if (!isMap(map)) return undefined;
  return map.items.find(({ key }) => (isScalar(key) ? String(key.value) : key) === path.at(-1));
}

/** Reads one YAML text. Never throws: what is wrong is in `faults`. */
export function readYaml(file: string, text: string): YamlSource {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, version: '1.2' });
  const at = (offset: number): { line: number; column: number } => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const faults: ConfigFault[] = document.errors.map((error) => ({
    file,
    ...at(error.pos[0]),
    path: '',
    message: `no YAML: ${error.message}`,
  }));
  let value: unknown;
  try {
    if (faults.length === 0) value = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    faults.push({
      file,
      line: 1,
      column: 1,
      path: '',
      message: `no YAML: ${error instanceof Error ? error.message : ''}`,
    });
  }
  const nodeStart = (node: unknown): number | undefined => (isNode(node) ? node.range?.[0] : undefined);
  const keyOffset = (path: KeyPath): number | undefined => nodeStart(pairAt(document, path)?.key);

  function offsetOf(path: KeyPath): number {
    if (path.length === 0) return nodeStart(document.contents) ?? 0;
    const node = document.getIn(path, true);
    const offset = isCollection(node) || node === null ? (keyOffset(path) ?? nodeStart(node)) : nodeStart(node);
    return offset ?? keyOffset(path) ?? offsetOf(path.slice(0, -1));
  }
  return {
    file,
    value,
    faults,
    positionOf: (path) => at(offsetOf(path)),
    keyPositionOf: (path) => at(keyOffset(path) ?? offsetOf(path)),
  };
}
