// Reading text in its Specific Character Set (PS3.3 C.12.1.1.2, PS3.5 6.1), for rules and lists. Copies never pass through here.

/** Single-byte and whole-value sets by defined term. */
const labels: Readonly<Record<string, string>> = {
  '': 'latin1',
  'ISO_IR 6': 'latin1',
  'ISO_IR 100': 'latin1',
  'ISO_IR 101': 'iso-8859-2',
  'ISO_IR 109': 'iso-8859-3',
  'ISO_IR 110': 'iso-8859-4',
  'ISO_IR 144': 'iso-8859-5',
  'ISO_IR 127': 'iso-8859-6',
  'ISO_IR 126': 'iso-8859-7',
  'ISO_IR 138': 'iso-8859-8',
  'ISO_IR 148': 'iso-8859-9',
  'ISO_IR 203': 'iso-8859-15',
  'ISO_IR 166': 'windows-874',
  'ISO_IR 13': 'shift_jis',
  'ISO_IR 192': 'utf-8',
  GB18030: 'gb18030',
  GBK: 'gbk',
};
/** What an escape sequence designates (without ESC), by the decoder that reads the bytes behind it. */
const escapes: readonly (readonly [string, string])[] = [
  ['(B', 'latin1'],
  ['(J', 'latin1'],
  [')I', 'shift_jis'],
  ['$B', 'iso-2022-jp'],
  ['$@', 'iso-2022-jp'],
  ['$(D', 'iso-2022-jp'],
  ['$)C', 'euc-kr'],
  ['$)A', 'gbk'],
  ['-A', 'latin1'],
  ['-B', 'iso-8859-2'],
  ['-C', 'iso-8859-3'],
  ['-D', 'iso-8859-4'],
  ['-L', 'iso-8859-5'],
  ['-G', 'iso-8859-6'],
  ['-F', 'iso-8859-7'],
  ['-H', 'iso-8859-8'],
  ['-M', 'iso-8859-9'],
  ['-b', 'iso-8859-15'],
  ['-T', 'windows-874'],
];
const decoders = new Map<string, InstanceType<typeof TextDecoder>>();

/** Text of a value in the given sets (values of (0008,0005)); bytes that do not fit become U+FFFD. */
export function decodeText(bytes: Uint8Array, characterSets: readonly string[]): string {
  if (bytes.every((byte) => byte < 0x80 && byte !== 0x1b)) return decoded(bytes, 'latin1');
  const first = labels[(characterSets[0] ?? '').replace('ISO 2022 IR', 'ISO_IR')] ?? 'latin1';
  if (!bytes.includes(0x1b)) return decoded(bytes, first);
  let text = '';
  let start = 0;
  let label = first;
  for (let at = bytes.indexOf(0x1b); at !== -1; at = bytes.indexOf(0x1b, at + 1)) {
    const sequence = escapes.find(([escape]) => startsWith(bytes, at + 1, escape));
    if (sequence === undefined) continue;
    text += segment(bytes.subarray(start, at), label);
    // That decoder reads the escape sequence itself.
    start = sequence[1] === 'iso-2022-jp' ? at : at + 1 + sequence[0].length;
    label = sequence[1];
  }
  return text + segment(bytes.subarray(start), label);
}

/** Whether a value's bytes are text of the given sets; without a set only ASCII is (PS3.5 6.1.2.1). */
export function fitsCharacterSets(bytes: Uint8Array, characterSets: readonly string[]): boolean {
  if (bytes.every((byte) => byte < 0x80 && byte !== 0x1b)) return true;
  const [first = '', ...more] = characterSets;
  const label = labels[first.replace('ISO 2022 IR', 'ISO_IR')];
  const onlyAscii = (first === '' || first.endsWith('IR 6')) && more.length === 0;
  return !onlyAscii && (label !== undefined || more.length > 0) && !decodeText(bytes, characterSets).includes('\uFFFD');
}

function startsWith(bytes: Uint8Array, at: number, ascii: string): boolean {
  for (let index = 0; index < ascii.length; index++) if (bytes[at + index] !== ascii.charCodeAt(index)) return false;
  return true;
}

function segment(bytes: Uint8Array, label: string): string {
  return bytes.length === 0 ? '' : decoded(bytes, label);
}

function decoded(bytes: Uint8Array, label: string): string {
  let decoder = decoders.get(label);
  if (decoder === undefined) decoders.set(label, (decoder = new TextDecoder(label)));
  return decoder.decode(bytes);
}
