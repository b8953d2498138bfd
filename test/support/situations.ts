/**
 * What broken and hostile peers do, each with the test file that plays it: the 103 situations by their numbers (PS3.8 state table, PDU and PDV
 * structure, negotiation, command sets, data sets, packing, timers), others by a word. A file names its cases by `situation` and `rows`, and
 * `expectEverySituation` fails it where a case is missing; situations.test.ts holds the table itself to be whole.
 */
import { expect, it } from '@jest/globals';

export const situations = {
  'io/dimse/association-situations': {
    1: 'unknown PDU type 0x09 as first PDU',
    2: 'unknown PDU type 0x2A in an open association',
    3: 'PDU type 0xFF in an open association',
    4: 'HTTP request on the DICOM port',
    5: 'TLS ClientHello on the plain port',
    6: 'P-DATA-TF of length 0',
    7: 'A-ASSOCIATE-RQ of length 0',
    8: 'P-DATA-TF claiming 4 GB, then 64 MB of it',
    9: 'A-ASSOCIATE-RQ claiming 4 GB',
    10: 'A-RELEASE-RQ of length 5',
    11: 'P-DATA-TF 8 times the announced maximum',
    12: 'PDV length 0',
    13: 'PDV length 1',
    14: 'PDV length larger than its PDU',
    15: 'PDV length 0xFFFFFFFF',
    16: '3 stray octets after the last PDV of a PDU',
    17: 'whole exchange in one-octet segments',
    23: 'P-DATA-TF before any association',
    24: 'A-RELEASE-RQ before any association',
    25: 'A-ASSOCIATE-AC as first PDU',
    26: 'second A-ASSOCIATE-RQ in an open association',
    27: 'A-RELEASE-RP without a request',
    28: '128 presentation contexts',
    29: '129 presentation contexts (id 1 again)',
    30: 'the same context id twice',
    31: 'even context id 2',
    32: 'context id 0',
    33: 'context ids in descending order 5, 3, 1',
    34: 'only an unknown transfer syntax',
    35: 'only an unknown abstract syntax',
    36: 'no presentation context at all',
    37: 'presentation context without a transfer syntax',
    38: 'other application context name',
    39: 'protocol version 2 (bit 0 clear)',
    40: 'empty called AE title',
    41: 'item length beyond the PDU',
    42: 'sub-item length beyond its item',
    43: 'A-ASSOCIATE-RQ cut after 40 octets (length says 40)',
    44: 'abstract syntax UID of 70 characters',
    45: 'UIDs padded with NUL and blanks',
    46: 'peer announces maximum length 6',
    47: 'peer announces maximum length 0 (none)',
    48: 'peer announces 16 KB',
    49: 'asynchronous operations window 0/0 (unlimited) proposed',
    50: 'role selection: requestor wants to be storage SCP',
    51: 'user identity (name and passcode), response asked',
    52: 'user identity item of 2 octets',
    75: 'presentation context id never proposed',
    76: 'presentation context proposed but refused',
    'maximum-length': 'maximum length sub-item that is not 4 octets long',
    100: 'TCP reset straight after connecting, 50 times',
    101: 'A-ASSOCIATE-RQ, reset before the answer, 50 times',
  },
  'io/dimse/message-situations': {
    18: 'command and whole data set as two PDVs of one PDU',
    19: 'first PDU carries command and two data PDVs, rest follows',
    20: 'three data PDVs in every PDU',
    21: 'command split over two PDUs',
    22: 'empty last data fragment (PDV length 2)',
    53: 'data-set fragment before any command',
    54: 'command of 200 random octets',
    55: 'command of 0 octets',
    56: 'command element longer than the command',
    57: 'group length missing',
    58: 'group length wrong',
    59: 'command field missing',
    60: 'unknown command field 0x0ABC, no data set',
    61: 'unknown command field 0x0ABC with data set, then C-ECHO',
    62: 'message id missing',
    63: 'C-STORE without affected SOP instance UID',
    64: 'affected SOP instance UID of 80 characters',
    65: 'affected SOP instance UID ../evil',
    66: 'affected SOP class is not the context’s abstract syntax',
    67: 'affected SOP instance UID differs from the data set',
    68: 'SOP class UID differs from the data set',
    69: 'data set is 40 kB of random octets',
    70: 'data set cut in the middle of pixel data, marked last',
    71: 'C-STORE that says it has no data set',
    72: 'C-STORE with an empty data set',
    73: 'command fragment in the middle of a data set',
    74: 'presentation context changes within a data set',
    77: 'A-RELEASE-RQ in the middle of a data set',
    78: 'A-ABORT in the middle of a data set',
    79: 'TCP reset in the middle of a data set',
    80: 'FIN in the middle of a data set',
    81: 'two C-STORE pipelined without negotiation',
    82: 'eight C-STORE of 400 KB pipelined (window 0/0 proposed)',
    83: 'ten C-ECHO in one segment',
    84: 'two C-ECHO as two PDVs of one PDU',
    85: 'C-STORE response nobody asked for',
    86: 'C-CANCEL for nothing, then C-ECHO',
    87: 'C-FIND on a storage context',
    88: 'a further fragment after the last one',
    89: 'last bit set on the first fragment already',
    90: 'last bit missing on the last fragment, then the next C-STORE',
    91: 'command without last bit, then data',
    92: 'a command that never ends (20 MB)',
    103: 'A-RELEASE-RQ while the answer to a C-STORE is outstanding',
    'no-data-set-type': 'command without CommandDataSetType',
    'echo-data': 'C-ECHO that claims a data set',
    'broken-command': 'command whose message id and field can be read, and the rest cannot',
    'explicit-command': 'command set in Explicit VR',
    deep: 'sequences nested deeper than 64',
    'lying-item': 'item longer than its sequence',
    'undefined-length': 'undefined length where it is not allowed',
    bomb: 'deflated data set that explodes',
    'huge-matrix': 'rows, columns and frames beyond all limits',
  },
  'io/dimse/timers-and-limits': {
    93: 'connection, then silence',
    94: 'slowloris: A-ASSOCIATE-RQ at one octet per 200 ms',
    95: 'slow P-DATA-TF: one octet per 200 ms',
    96: 'open association, then silence',
    97: 'half-open: peer gone after A-ABORT by us is ignored (peer never closes)',
    98: 'peer sends 200,000 C-ECHO and reads no answer',
    99: '100 connections opened and left alone',
    102: 'peer does not close after A-RELEASE-RP',
    'least-rate': 'data set of many PDUs, each in time, at less than the least rate',
    flood: 'a thousand association requests at once',
  },
  'receive/hostile-peers': {
    'spool-lost': 'connection reset or closed in the middle of an object, over a real spool',
    'spool-ended': 'release, abort or fault in the middle of an object, over a real spool',
    'spool-refused': 'objects that are refused, over a real spool',
    'spool-path': 'UIDs with path characters, over a real spool',
    'spool-crowd': 'many peers that vanish in the middle of an object at once, over a real spool',
    'abort-unanswered': 'A-ABORT after the last fragment, before the answer',
  },
} as const;

export type SituationFile = keyof typeof situations;
type KeysOf<T> = T extends unknown ? keyof T : never;
export type SituationId = KeysOf<(typeof situations)[SituationFile]>;

/** Rules for hostile or broken peers, and the situations that put each to the test. */
export const hostileRules: Readonly<Record<string, readonly SituationId[]>> = {
  'no A-ASSOCIATE-RQ within ARTIM': [93, 94],
  'PDU length above the limit agreed': [8, 9, 11],
  'unknown PDU type': [1, 2, 3, 4, 5],
  'P-DATA before association, second A-ASSOCIATE-RQ': [23, 26],
  'PDV of length 0 or 1, or past the end of its PDU': [12, 13, 14, 15],
  'PDV for a context that is not accepted': [75, 76],
  'data fragment before the last command fragment; command without CommandDataSetType': [53, 91, 'no-data-set-type'],
  'command set too long, not Implicit LE, or with an element past its end': [
    92,
    'explicit-command',
    56,
    'broken-command',
  ],
  'one byte a second': [94, 95, 'least-rate'],
  'connection lost in the middle of an object': [79, 80, 'spool-lost', 'spool-crowd'],
  'nesting, lying item lengths, undefined length where not allowed': ['deep', 'lying-item', 'undefined-length'],
  'Rows x Columns x Frames beyond limits, decompression bomb': ['huge-matrix', 'bomb'],
  'UID with path characters': [65, 'spool-path'],
  'ten thousand associations at once': [99, 'flood'],
  'A-RELEASE while an answer is due': [103],
  'abort after the last fragment, before the answer': ['abort-unanswered'],
};

const words: ReadonlyMap<string, string> = new Map(Object.values(situations).flatMap((file) => Object.entries(file)));
const played = new Set<string>();

/** The title of a test, which plays these situations. */
export function situation(...ids: readonly SituationId[]): string {
  for (const id of ids) played.add(`${id}`);
  const texts = ids.map((id) => words.get(`${id}`) ?? '').join('; ');
  const numbers = ids.filter((id) => typeof id === 'number');
  return numbers.length === 0 ? texts : `situation ${numbers.join(', ')}: ${texts}`;
}

/** Rows of `it.each` that begin with the situation they play. */
export function rows<Row extends readonly [SituationId, ...unknown[]]>(list: readonly Row[]): Row[] {
  for (const [id] of list) played.add(`${id}`);
  return [...list];
}

/** At the end of a test file: every situation that the table gives to it has its case there, and no other. */
export function expectEverySituation(file: SituationFile): void {
  it('every situation of this file is played', () => {
    expect([...played].toSorted()).toEqual(Object.keys(situations[file]).toSorted());
  });
}
