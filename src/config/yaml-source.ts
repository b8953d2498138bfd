// One YAML file: its value, and where in it each key stands.
import { isUtf8 } from 'node:buffer';
import { LineCounter, isAlias, isCollection, isMap, isNode, isScalar, parseDocument, visit } from 'yaml';
import type { Document, ErrorCode, Pair, YAMLParseError } from 'yaml';
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

/** What to look for where the parser's own words name only the rule that is broken. */
const advice: Partial<Record<ErrorCode, string>> = {
  TAB_AS_INDENT: 'indent with spaces',
  BLOCK_AS_IMPLICIT_KEY: 'the next line stands too far to the right, or a value with a colon needs quotes',
  MULTILINE_IMPLICIT_KEY: 'a key needs a colon and a space behind it',
  DUPLICATE_KEY: 'the key stands here for the second time',
  MULTIPLE_DOCS: 'a line of --- begins another, and only one is read',
};
/** What the parser says to programmers. */
const toProgrammers = '; please use YAML.parseAllDocuments()';

/** The faults to tell: keys that stand twice, and the first other one. What comes behind that follows from it, mostly. */
function telling(errors: readonly YAMLParseError[]): readonly YAMLParseError[] {
  const first = errors.findIndex(({ code }) => code !== 'DUPLICATE_KEY');
  return first === -1 ? errors : errors.slice(0, first + 1);
}

const mergeKey =
  'no YAML 1.2: merge keys (<<) are not read; write the keys out, or give a whole value by its alias: when: *thin-ct';

/** Where merge keys stand, which are of YAML 1.1: they would be told as unknown keys, and what they bring as missing. */
function mergeKeys(document: Document): number[] {
  const offsets: number[] = [];
  visit(document, {
    Pair: (_, { key }) => {
      if (isScalar(key) && key.value === '<<' && key.type === 'PLAIN') offsets.push(key.range?.[0] ?? 0);
    },
  });
  return offsets;
}

/** Where the first alias stands that no anchor comes before; 0, the whole text, where each has one. */
function firstLostAlias(document: Document): number {
  let offset = 0;
  visit(document, {
    Alias: (_, alias) => {
      if (alias.resolve(document) !== undefined) return undefined;
      offset = alias.range?.[0] ?? 0;
      return visit.BREAK;
    },
  });
  return offset;
}

/** What stands where a byte is no UTF-8. */
const replacement = '\uFFFD';
const otherEncoding =
  'is not in UTF-8: save the file in that encoding; a letter such as ä would stand for another text';

/** Reads the bytes of one YAML file. Never throws: what is wrong is in `faults`. */
export function readYaml(file: string, bytes: Buffer): YamlSource {
  const text = bytes.toString('utf8');
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, version: '1.2' });
  const at = (offset: number): { line: number; column: number } => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const faults: ConfigFault[] = isUtf8(bytes)
    ? telling(document.errors).map((error) => {
        const more = advice[error.code];
        const message = `no YAML: ${error.message.replace(toProgrammers, '')}${more === undefined ? '' : `; ${more}`}`;
        return { file, ...at(error.pos[0]), path: '', message };
      })
    : [{ file, ...at(text.indexOf(replacement)), path: '', message: otherEncoding }];
  if (faults.length === 0)
    faults.push(...mergeKeys(document).map((offset) => ({ file, ...at(offset), path: '', message: mergeKey })));
  let value: unknown;
  try {
    if (faults.length === 0) value = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    const message = `no YAML: ${error instanceof Error ? error.message : ''}`;
    faults.push({ file, ...at(firstLostAlias(document)), path: '', message });
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
