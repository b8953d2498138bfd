// What a site says of itself in derived objects, and which vendors' private elements it has them keep (conformance 3.1).
import { z } from 'zod';
import { printableText } from '../conditions/printable.js';
import { scalar } from './scalars.js';

/** Text that limpid writes into objects: it holds in every character set, and is one value. */
export const printable = (longest: number, what: string) => {
  const message = `expected ${what}: 1 to ${longest} characters of ASCII without backslash, no space at its ends`;
  return z.string(message).max(longest, message).regex(printableText, message);
};

/** `node.institution`: each part takes the place of the source's. */
export const institution = z.strictObject({
  name: printable(64, 'a name').optional().describe("Institution Name; absent: the source's."),
  address: printable(1024, 'an address').optional().describe("Institution Address; absent: the source's."),
  department: printable(64, 'a department').optional().describe("Institutional Department Name; absent: the source's."),
});

/** Group of limpid's own private block. */
const ownGroup = 0x0177;
const group = scalar(
  "a private group in quotes, as '0043': four digits of hexadecimal, odd, not limpid's own 0177",
  (value) => {
    const number = typeof value === 'string' && /^[0-9A-Fa-f]{4}$/.test(value) ? Number.parseInt(value, 16) : 0;
    return number % 2 === 1 && number > 8 && number !== ownGroup ? number : null;
  },
  { type: 'string', pattern: '^[0-9A-Fa-f]{4}$', description: "A private group, as '0043'." },
);
const elements = scalar(
  "all, or a list of elements in quotes, as ['39', 'A0-AF']",
  (value) => {
    if (value === 'all') return 'all' as const;
    if (!Array.isArray(value) || value.length === 0) return null;
    const ranges = value.map(rangeOf);
    return ranges.every((range) => range !== null) ? ranges.flat() : null;
  },
  {
    anyOf: [
      { const: 'all' },
      { type: 'array', minItems: 1, items: { type: 'string', pattern: '^[0-9A-Fa-f]{2}(-[0-9A-Fa-f]{2})?$' } },
    ],
    description: "all, or low bytes of the elements, as ['39', 'A0-AF'].",
  },
);

/** Low bytes of elements from the first to the last that a text names; null where it names none. */
function rangeOf(value: unknown): number[] | null {
  const [, from, to = from] =
    (typeof value === 'string' ? /^([0-9A-Fa-f]{2})(?:-([0-9A-Fa-f]{2}))?$/.exec(value) : null) ?? [];
  if (from === undefined || to === undefined) return null;
  const [first, last] = [Number.parseInt(from, 16), Number.parseInt(to, 16)];
  return last < first ? null : Array.from({ length: last - first + 1 }, (_, offset) => first + offset);
}

/** `node.keepPrivate`: private elements that derived objects keep beside limpid's own list. */
export const keepPrivate = z.array(
  z.strictObject({ creator: printable(64, 'a private creator').describe('Private creator.'), group, elements }),
  'expected a list of private elements',
);
