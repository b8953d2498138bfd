// What a STOW-RS server says of each instance (PS3.18 Section 10.5.3, Table 10.5.3-1), in DICOM JSON or in the Native DICOM Model.
import { DOMParser } from '@xmldom/xmldom';

/** Instances that an answer names. */
export interface StowAnswer {
  /** SOP Instance UID > Failure Reason (0008,1197); 0 where the server gives none. */
  readonly failed: ReadonlyMap<string, number>;
  /** SOP Instance UID > Warning Reason (0008,1196); 0 where there is none. */
  readonly stored: ReadonlyMap<string, number>;
}

interface Attribute {
  readonly Value?: unknown;
}
type Attributes = Readonly<Record<string, Attribute | undefined>>;

const failedSequence = '00081198';
const storedSequence = '00081199';
const instanceUid = '00081155';
const failureReason = '00081197';
const warningReason = '00081196';

/** @returns null: the body is no such answer */
export function readStowAnswer(contentType: string, body: string): StowAnswer | null {
  const text = body.trim();
  const attributes = contentType.includes('xml') || text.startsWith('<') ? fromXml(text) : fromJson(text);
  if (attributes === null) return null;
  const failed = reasons(attributes, failedSequence, failureReason);
  const stored = reasons(attributes, storedSequence, warningReason);
  return failed === null || stored === null ? null : { failed, stored };
}

/** @returns null: the sequence is none */
function reasons(attributes: Attributes, sequence: string, reason: string): Map<string, number> | null {
  const items = valuesOf(attributes[sequence]);
  if (items === null) return null;
  const found = new Map<string, number>();
  for (const item of items) {
    if (!isAttributes(item)) continue;
    const [uid] = valuesOf(item[instanceUid]) ?? [];
    const code = Number(valuesOf(item[reason])?.[0] ?? 0);
    // As the UIDs of a data set, padding and all (PS3.5 Section 9.1): some servers hand the bytes on as they are.
    if (typeof uid === 'string') found.set(uid.replaceAll('\0', ' ').trim(), Number.isInteger(code) ? code : 0);
  }
  return found;
}

/** @returns null: what stands there is no list of values */
function valuesOf(attribute: Attribute | null | undefined): readonly unknown[] | null {
  const { Value: values = [] } = attribute ?? {};
  return isList(values) ? values : null;
}

const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);

const isAttributes = (value: unknown): value is Attributes =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function fromJson(text: string): Attributes | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null; // no JSON: a page of a proxy, say
  }
  // Some servers put the answer into a list, as for a search.
  const first: unknown = Array.isArray(value) ? value[0] : value;
  // What has other names than tags is another service's: `{"message": "ok"}` of a gateway.
  return isAttributes(first) && Object.keys(first).every((name) => /^[\dA-Fa-f]{8}$/.test(name)) ? first : null;
}

/** The few things of a document that are read. */
interface Node {
  readonly nodeName: string;
  readonly textContent: string | null;
  readonly childNodes: Iterable<Node>;
  getAttribute?(name: string): string | null;
}

/** Faults of a document that is read all the same. */
const mostFaults = 20;

/** Declarations of namespaces: the parser copies all at each further one. Of a hundred instances each element may have one. */
const mostNamespaces = 2000;

function fromXml(text: string): Attributes | null {
  if (text.split('xmlns', mostNamespaces + 2).length > mostNamespaces + 1) return null;
  try {
    let faults = 0;
    const onError = (): void => {
      // it looks through the rest of the text at each: of 200 KB of `<` for minutes
      if (++faults > mostFaults) throw new SyntaxError('no XML');
    };
    const parser = new DOMParser({ onError });
    const root: Node | null = parser.parseFromString(text, 'text/xml').documentElement;
    return root?.nodeName.endsWith('NativeDicomModel') ? attributesOf(root, 0) : null;
  } catch {
    return null; // no XML
  }
}

const deepest = 8;

function attributesOf(parent: Node, depth: number): Attributes {
  const found: Record<string, Attribute> = {};
  for (const node of parent.childNodes) {
    const tag = node.nodeName.endsWith('DicomAttribute') ? node.getAttribute?.('tag') : null;
    if (!tag || depth > deepest) continue;
    const children = [...node.childNodes];
    const items = children
      .filter(({ nodeName }) => nodeName.endsWith('Item'))
      .map((item) => attributesOf(item, depth + 1));
    const values = children
      .filter(({ nodeName }) => nodeName.endsWith('Value'))
      .map(({ textContent }) => textContent ?? '');
    found[tag.toUpperCase()] = { Value: items.length > 0 ? items : values };
  }
  return found;
}
