// docs/conformance-statement.md: the DICOM conformance statement (PS3.2), from the tables that the code works by.
import { fileURLToPath } from 'node:url';
import { isLossyMark, knownSyntaxes } from './syntax-names.js';
import { attributes } from '../../src/derive/attributes.js';
import type { Action } from '../../src/derive/attributes.js';
import { privateCreator, privateElements, privateGroup } from '../../src/derive/private-block.js';
import { keptPrivate } from '../../src/derive/private-elements.js';
import { sourcePurpose } from '../../src/derive/references.js';
import { classicClasses, sopClasses } from '../../src/dicom/uids.js';
import { openRegistry } from '../../src/inference/registry.js';
import { decodableSyntaxes, nativeSyntaxes } from '../../src/io/dimse/constants.js';
import { defaultLimits } from '../../src/io/dimse/limits.js';
import { rejections } from '../../src/io/dimse/negotiate.js';
import { answers, deliveryRule, describeRejection, identityInvalid, identityMissing, rejectionClass } from '../../src/io/dimse/status.js';
import type { StoreAnswer } from '../../src/io/dimse/sink.js';
import { implementationClassUid, implementationVersionName, version } from '../../src/version.js';
import { code, page, table } from './markdown.js';

const hex = (value: number, digits: number): string => value.toString(16).toUpperCase().padStart(digits, '0');
const tag = (value: number): string => `(${hex(value >>> 16, 4)},${hex(value & 0xffff, 4)})`;

function syntaxRows(): string[][] {
  return knownSyntaxes().map(({ uid, name }) => [
    code(uid),
    name,
    decodableSyntaxes.has(uid) ? 'yes' : 'no: kept and forwarded only',
    isLossyMark(uid) ? 'yes' : '',
  ]);
}

function answerRows(): string[][] {
  const all: StoreAnswer[] = [...Object.values(answers), identityMissing(0x0020000d), identityInvalid(0x0020000d)];
  const rows = all.map(({ status, comment }) => [hex(status, 4), comment ?? 'kept, or there already with the same bytes']);
  const full = [hex(0xa700, 4), 'the spool is low, or cannot be written now'];
  return [...rows, full].sort(([a = ''], [b = '']) => (a < b ? -1 : 1));
}

/** What every possible status of a C-STORE response means, in runs of equal meaning: asked of the very function. */
function statusRows(): string[][] {
  const meaning = (status: number): string => deliveryRule(status).class;
  const runs: { from: number; to: number; what: string }[] = [];
  for (let status = 0; status <= 0xffff; status++) {
    const what = meaning(status);
    const last = runs.at(-1);
    if (last?.what === what) last.to = status;
    else runs.push({ from: status, to: status, what });
  }
  const otherwise = meaning(0xf000);
  const rows = runs
    .filter(({ what }) => what !== otherwise)
    .map(({ from, to, what }) => [from === to ? hex(from, 4) : `${hex(from, 4)} to ${hex(to, 4)}`, what]);
  return [...rows, ['any other', otherwise]];
}

function rejectionRows(): string[][] {
  return Object.values(rejections).map((rejection) => [
    `${rejection.result}/${rejection.source}/${rejection.reason}`,
    describeRejection(rejection).replace(/^.*?: /, ''),
    rejectionClass(rejection) === 'transient' ? 'tries again' : 'gives up',
  ]);
}

const limitWords: Readonly<Record<keyof typeof defaultLimits, string>> = {
  maximumLength: 'Maximum Length Received, bytes',
  associateBytes: 'A-ASSOCIATE-RQ, bytes',
  syntaxesOfContext: 'transfer syntaxes looked at in one presentation context',
  commandBytes: 'command set, bytes',
  objectBytes: 'data set, bytes',
  otherDataSetBytes: 'data set of a request that is not served, bytes',
  nesting: 'nesting of sequences',
  inflatedBytes: 'what a deflated data set may become, bytes',
  inflationRatio: 'and how many times its bytes',
  associations: 'associations of the node at once',
  associationsOfPeer: 'associations of one peer at once',
  waitingOfAddress: 'connections of one address before their request',
  queuedBytes: 'bytes of one association that wait for the disk',
  queuedBytesOfAll: 'of all associations',
  unreadBytes: 'answers that a peer has not read, bytes',
  unanswered: 'requests of one association that wait for their answer',
  artimMs: 'ARTIM, ms',
  idleMs: 'open association in which nothing happens, ms',
  pduMs: 'one PDU, ms',
  stallMs: 'peer that takes no byte, ms',
  rateMs: 'slow data set, measured over ms',
  bytesPerSecond: 'and below bytes a second',
  responseMs: 'as SCU: answer to a request, ms',
  connectMs: 'as SCU: TCP connection, ms',
};

const attributesOf = (action: Action): string =>
  attributes
    .filter((rule) => rule.action === action)
    .map(({ keyword, tag: number }) => `${keyword} ${tag(number)}`)
    .join(', ');

const classNames: Readonly<Record<string, string>> = { [sopClasses.ct]: 'CT Image Storage', [sopClasses.mr]: 'MR Image Storage' };

async function codeRows(): Promise<string[][]> {
  const registry = await openRegistry(fileURLToPath(new URL('../../../models/', import.meta.url)));
  const rows = registry.list().flatMap(({ id, codes }) => codes.map(({ value, scheme, meaning }) => ({ id, value, scheme, meaning })));
  const names = [...new Set(rows.map(({ value, scheme }) => `${value}|${scheme}`))];
  return names.map((name) => {
    const [value = '', scheme = ''] = name.split('|');
    const same = rows.filter((row) => row.value === value && row.scheme === scheme);
    return [code(value), scheme, same[0]?.meaning ?? '', same.map(({ id }) => id).join(', ')];
  });
}

export async function conformancePage(): Promise<string> {
  return page(
    'DICOM conformance statement',
    `limpid ${version}. Made from the tables that the program works by; its tests fail when this page and they differ. Sections in the order of PS3.2.`,
    '## Overview',
    'limpid receives image series by DIMSE, keeps the originals unchanged, derives enhanced CT and MR series and stores originals and derived series at other nodes.',
    table(
      ['network service', 'SCU', 'SCP'],
      [
        ['Verification', 'yes', 'yes'],
        ['Storage, every Storage SOP class of PS3.4 Annex B.5 and private ones below its root', 'yes', 'yes'],
        ['Storage Commitment, Query/Retrieve, Worklist, MPPS, Print', 'no', 'no'],
        ['DICOMweb', 'no', 'no'],
        ['Media interchange', 'no', 'no'],
      ],
    ),
    '## Associations',
    table(
      ['', ''],
      [
        ['application context', code('1.2.840.10008.3.1.1.1')],
        ['Implementation Class UID', code(implementationClassUid)],
        ['Implementation Version Name', code(implementationVersionName)],
        ['asynchronous operations', 'one at a time in both directions; the window is never negotiated'],
        ['role selection', 'the association requestor is SCU; SCP of the requestor is refused'],
        ['Storage extended negotiation', 'level 2 (full), no digital signatures, no element coercion'],
        ['user identity, SCP/SCU of Storage Commitment', 'not negotiated'],
        ['TLS', 'as SCP on a port of its own (2762), as SCU per peer: see Security'],
      ],
    ),
    'An association is accepted for the AE titles of `node.aeTitle` from callers that a peer of the configuration names (by AE title, and by address where its `from` lists any). AE titles are compared with case, outer spaces are not significant. Of the transfer syntaxes of a context the first in the order of the proposal that limpid decodes is accepted, else the first that it can keep.',
    '### Refusals',
    'Result, source and reason of A-ASSOCIATE-RJ. The last column: what limpid does as SCU when a peer answers so.',
    table(['A-ASSOCIATE-RJ', 'meaning', 'as SCU limpid'], rejectionRows()),
    '### Limits',
    'Beyond a limit the association is aborted, refused, or its socket paused; nothing is allocated from a length that a peer names.',
    table(
      ['limit', 'default'],
      Object.entries(limitWords).map(([name, words]) => [words, String(Reflect.get(defaultLimits, name))]),
    ),
    '## Transfer syntaxes',
    'Accepted as SCP. As SCU each instance is proposed in the syntax that it is kept in; uncompressed ones also in Explicit and Implicit VR Little Endian. Pixel data are never transcoded. Derived series are stored in Explicit VR Little Endian.',
    table(['UID', 'name', 'can be enhanced', 'with loss: skipped unless lifted'], syntaxRows()),
    `Uncompressed: ${[...nativeSyntaxes].map(code).join(', ')}.`,
    '## Storage SCP',
    'An instance is kept byte for byte; 0000 is answered only after it is on disk. An instance that comes again with the same bytes is answered 0000 and not kept twice. Level of conformance: 2.',
    table(['status', 'when'], answerRows()),
    '## Storage SCU',
    'What the status of a C-STORE response means for its instance. *transient* is tried again, spaced by exponential back-off with jitter from 30 s to 15 min, until `giveUp` of the peer; *warned* counts as delivered and is shown to the operator; *permanent* is not tried again, and a person is told.',
    table(['status', 'instance'], statusRows()),
    '## Derived objects',
    `Made of ${[...classicClasses].map((uid) => `${classNames[uid] ?? ''} (${code(uid)})`).join(' and ')}; of the same SOP class, in the same study, frame of reference and geometry, as a new series. UIDs are under 2.25, made by hashing source, model, settings and pipeline, so that making a series again makes the same UIDs. Image Type begins DERIVED and ends with the value LIMPID. The text says what was done: Series Description, Derivation Description; Content Qualification is RESEARCH unless the node is configured otherwise. No element identifies a person beyond what the source has. Specific Character Set and text are kept as they are.`,
    '### Attributes',
    'Every attribute that is not named here is kept as in the source. Private elements are removed but for those below.',
    table(
      ['limpid', 'attributes'],
      [
        ['replaces', attributesOf('replaced')],
        ['adds', attributesOf('added')],
        ['removes', attributesOf('removed')],
        ['keeps on purpose', attributesOf('kept')],
      ],
    ),
    '### Codes',
    `Derivation Code Sequence gains the items of the model; Purpose of Reference Code of Source Image Sequence is (${sourcePurpose.value}, ${sourcePurpose.scheme}, "${sourcePurpose.meaning}"). 99LIMPID is limpid's private coding scheme.`,
    table(['value', 'scheme', 'meaning', 'models'], await codeRows()),
    '### Private block',
    `Group ${hex(privateGroup, 4)}, private creator ${code(privateCreator)}; Private Data Element Characteristics Sequence says that it holds no identifying information.`,
    table(
      ['element', 'VR', 'holds'],
      Object.entries(privateElements).map(([name, { element, vr }]) => [
        code(`(${hex(privateGroup, 4)},xx${hex(element, 2)})`),
        vr,
        name.replace(/[A-Z0-9]+/g, (part) => ` ${part.toLowerCase()}`),
      ]),
    ),
    '### Private elements of vendors that are kept',
    table(
      ['private creator', 'elements'],
      keptPrivate.map(({ creator, group, elements }) => [
        creator,
        elements === 'all' ? `(${hex(group, 4)},xx00) to (${hex(group, 4)},xxFF)` : elements.map((element) => `(${hex(group, 4)},xx${hex(element, 2)})`).join(', '),
      ]),
    ),
    '## Security',
    'BCP 195 TLS Secure Transport Connection Profile (PS3.15 B.12), where the site configures it: TLS 1.2 and 1.3 without downgrade, suites ECDHE with AES-GCM (TLS 1.2), AES-GCM and ChaCha20 (TLS 1.3), keys of at least 2048 bits (RSA), mutual authentication by default. A peer may be bound to certificates by SHA-256 fingerprint or subject; its AE title is then refused without one (1/1/3). Certificates are renewed without a restart. Over the plain port AE title and address are what a caller is known by.',
    'No audit messages, no de-identification.',
  );
}
