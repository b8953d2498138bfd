// docs/conformance-statement.md: the DICOM conformance statement (PS3.2), from the tables that the code works by.
import { isLossyMark, knownSyntaxes } from './syntax-names.js';
import { decodableSyntaxes, nativeSyntaxes } from '../../src/io/dimse/constants.js';
import { defaultLimits } from '../../src/io/dimse/limits.js';
import { rejections } from '../../src/io/dimse/negotiate.js';
import { answers, deliveryRule, describeRejection, identityInvalid, identityMissing, rejectionKind } from '../../src/io/dimse/status.js';
import type { DeliveryRule } from '../../src/io/dimse/status.js';
import type { StoreAnswer } from '../../src/io/dimse/sink.js';
import { implementationClassUid, implementationVersionName, version } from '../../src/version.js';
import { madeClasses, objectSections } from './conformance-objects.js';
import { code, page, table } from './markdown.js';
import { failurePaces } from '../../src/deliver/breaker.js';
import { busyPeerMs, defaultRetryPolicy } from '../../src/deliver/decide.js';
import { decideAnswer } from '../../src/deliver/decide-stow.js';
import { batchInstances } from '../../src/deliver/dicomweb-destination.js';
import { busyTries } from '../../src/deliver/settle.js';
import { promiseFigures } from '../../src/receive/promise-desk.js';
import { commitment } from '../../src/config/commitment-schema.js';
import { promising } from '../../src/config/promise-schema.js';
import { configSchema } from '../../src/config/schema.js';

const hex = (value: number, digits: number): string => value.toString(16).toUpperCase().padStart(digits, '0');

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
  const full = [hex(0xa700, 4), 'the spool is low, cannot be written now, or the quota of the peer is used up'];
  return [...rows, full].sort(([a = ''], [b = '']) => (a < b ? -1 : 1));
}

/** How often an instance is tried at most that a peer answers for in this way. */
function triesOf({ class: outcome, tries, counts }: DeliveryRule): string {
  if (outcome !== 'transient') return '';
  if (tries === null) return 'until `giveUp`';
  return `${tries} times${counts === 'always' ? '' : ', or more until the peer takes others'}`;
}

/** What every possible status of a C-STORE response means, in runs of equal meaning: asked of the very function. */
function statusRows(): string[][] {
  const meaning = (status: number): string[] => [deliveryRule(status).class, triesOf(deliveryRule(status))];
  const runs: { from: number; to: number; what: readonly string[] }[] = [];
  for (let status = 0; status <= 0xffff; status++) {
    const what = meaning(status);
    const last = runs.at(-1);
    if (last?.what.join() === what.join()) last.to = status;
    else runs.push({ from: status, to: status, what });
  }
  const otherwise = meaning(0xf000);
  const rows = runs
    .filter(({ what }) => what.join() !== otherwise.join())
    .map(({ from, to, what }) => [from === to ? hex(from, 4) : `${hex(from, 4)} to ${hex(to, 4)}`, ...what]);
  return [...rows, ['any other', ...otherwise]];
}

/** What becomes of deliveries to a peer that refuses associations so. */
const asRequestor: Readonly<Record<ReturnType<typeof rejectionKind>, string>> = {
  refused: 'tries again',
  unrecognized: `tries again, for ${(failurePaces.unrecognized.permanentAfterMs ?? 0) / 3_600_000} h`,
  operator: 'gives up',
};

/** What every HTTP status means for a request of one instance, in runs of equal meaning: asked of the very function. */
function webRows(): string[][] {
  const meaning = (status: number): string => {
    const decision = decideAnswer(status, 1);
    if (decision.kind === 'failure') {
      return decision.failure.pace === 'refused' ? 'the server takes nothing now: tried again' : 'a person has to mend address or login';
    }
    if (decision.kind === 'syntax') return 'sent once more as it is kept, or in Explicit VR Little Endian';
    if (decision.kind === 'instance') return decision.status === null ? decision.class : `${decision.class}, as ${hex(decision.status, 4)}`;
    return decision.kind === 'read' && decision.unnamed === 'delivered' ? 'what the body says; without a body delivered' : 'what the body says; without a body transient';
  };
  const runs: { from: number; to: number; what: string }[] = [];
  for (let status = 200; status < 600; status++) {
    const what = meaning(status);
    const last = runs.at(-1);
    if (last?.what === what) last.to = status;
    else runs.push({ from: status, to: status, what });
  }
  const rest = [299, 499, 599].map((status) => [`any other ${String(status)[0]}xx`, meaning(status)]);
  const ofTable = runs.filter(({ what }) => !rest.some(([, words]) => words === what));
  return [...ofTable.map(({ from, to, what }) => [from === to ? String(from) : `${from} to ${to}`, what]), ...rest];
}

function rejectionRows(): string[][] {
  return Object.values(rejections).map((rejection) => [
    `${rejection.result}/${rejection.source}/${rejection.reason}`,
    describeRejection(rejection).replace(/^.*?: /, ''),
    asRequestor[rejectionKind(rejection)],
  ]);
}

const limitWords: Readonly<Record<keyof typeof defaultLimits, string>> = {
  maximumLength: 'Maximum Length Received, bytes',
  associateBytes: 'A-ASSOCIATE-RQ, bytes',
  syntaxesOfContext: 'transfer syntaxes looked at in one presentation context',
  commandBytes: 'command set, bytes',
  objectBytes: 'data set, bytes',
  otherDataSetBytes: 'any other data set, bytes',
  nesting: 'nesting of sequences',
  inflatedBytes: 'what a deflated data set may become, bytes',
  inflationRatio: 'and how many times its bytes',
  associations: 'associations of the node at once',
  associationsOfPeer: 'associations of one peer at once',
  associationsOfAddress: 'associations of one address',
  waitingOfAddress: 'connections of one address before their request, and as many that have ended',
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

/** Keys of the configuration that a peer's operator may ask for, with their values where the file does not name them. */
function configurationRows(): string[][] {
  const { node, assemble } = configSchema.parse({ node: { aeTitle: 'LIMPID' } });
  const seconds = (ms: number): string => `${ms / 1000} s`;
  return [
    ['AE title that modalities call', code('node.aeTitle'), 'needed'],
    ['DICOM port', code('node.dimse.port'), String(node.dimse.port)],
    ['callers that no peer names', code('node.unknownCallers'), node.unknownCallers],
    ['Station Name', code('node.name'), node.name],
    ['Storage Commitment as SCP', code('node.commitment'), 'off'],
    ['Content Qualification', code('node.qualification'), node.qualification],
    ['peers: AE title, host, port, addresses, associations, compression, commitment, TLS', code('peers'), 'none'],
    ['a series is complete after', code('assemble.quiet'), seconds(assemble.quietMs)],
    ['after the release of an association with several of its instances', code('assemble.released'), seconds(assemble.releasedMs)],
    ['while positions are missing', code('assemble.gaps'), seconds(assemble.gapsMs)],
    ['at the latest', code('assemble.longest'), seconds(assemble.longestMs)],
  ];
}

export async function conformancePage(): Promise<string> {
  const asked = commitment.parse(true);
  const given = promising.parse(true);
  if (asked === null || given === null) throw new Error('commitment: true asks for nothing, or gives nothing');
  const seconds = (ms: number): string => `${ms / 1000} s`;
  const minutes = (ms: number): string => `${ms / 60_000} min`;
  const days = (ms: number): string => (ms % 86_400_000 === 0 && ms > 86_400_000 ? `${ms / 86_400_000} d` : `${ms / 3_600_000} h`);
  return page(
    'DICOM conformance statement',
    `limpid ${version}. Made from the tables that the program works by; its tests fail when this page and they differ. Sections in the order of PS3.2.`,
    '## Overview',
    'limpid receives image series by DIMSE, keeps the originals unchanged, derives enhanced series and stores originals and derived series at other nodes. It queries nothing and archives nothing.',
    table(
      ['network service', 'SCU', 'SCP'],
      [
        ['Verification', 'yes', 'yes'],
        ['Storage, every Storage SOP class of PS3.4 Annex B.5, private ones below its root, and any that the caller or the configuration names', 'yes', 'yes'],
        ['Storage Commitment Push Model', 'yes, for peers configured so', 'yes, where the configuration says so'],
        ['STOW-RS, as user agent and as origin server', 'yes, for peers configured so', 'no'],
        ['Query/Retrieve, Worklist, MPPS, Print', 'no', 'no'],
        ['Media interchange', 'no', 'no'],
      ],
    ),
    'Objects that limpid makes itself:',
    madeClasses(),
    '## Introduction',
    'For integrators and for the operators of the nodes beside it. Conformance alone does not mean that two nodes work together: try `limpid echo PEER -v` and `limpid send PEER FILE`. Words: *original*, an instance as received; *derived series*, what a model made of one; *peer*, a node of the configuration. PS3.x are the parts of the DICOM standard.',
    '## Implementation model',
    'One application entity. As SCP it takes Verification and Storage requests of modalities (and of a PACS); instances of a series are gathered until it is complete; rules decide what is enhanced and who gets what. As SCU it stores originals and derived series, sends documents that withdraw a derived series, asks for Storage Commitment, reports its own, and asks peers that failed by Verification. An instance is answered 0000 only when it is kept, and is sent until its destination has it, in any order, over one or more associations at once. Nothing is sent that no rule asks for.',
    '## Associations',
    table(
      ['', ''],
      [
        ['application context', code('1.2.840.10008.3.1.1.1')],
        ['Implementation Class UID', code(implementationClassUid)],
        ['Implementation Version Name', code(implementationVersionName)],
        ['asynchronous operations', 'one at a time in both directions; the window is never negotiated'],
        ['role selection', 'Storage: the association requestor is SCU, SCP of the requestor is refused; Storage Commitment: a peer that is asked may take the SCP role to report, and its report is taken as well where it selects no role, or SCU; limpid proposes that role when it reports itself'],
        ['Storage extended negotiation', 'level 2 (full), no digital signatures, no element coercion'],
        ['Common extended negotiation', 'read, never answered: a class that limpid does not know is taken for storage where the caller names the Storage service class (1.2.840.10008.4.2) for it'],
        ['user identity', 'read; checked, and answered where that is asked for, of peers whose configuration says so (`receive.user`)'],
        ['TLS', 'as SCP on a port of its own (2762), as SCU per peer: see Security'],
      ],
    ),
    'An association is accepted for the AE titles of `node.aeTitle` from callers that a peer of the configuration names (by AE title, and by address where its `from` lists any). AE titles are compared with case, outer spaces are not significant. Of the transfer syntaxes of a context the first in the order of the proposal that limpid decodes is accepted, else the first that it can keep.',
    '### Refusals',
    'Result, source and reason of A-ASSOCIATE-RJ. The last column: what limpid does as SCU when a peer answers so; what it has given up goes on once a probe is accepted.',
    table(['A-ASSOCIATE-RJ', 'meaning', 'as SCU limpid'], rejectionRows()),
    '### Limits',
    'Beyond a limit the association is aborted, refused, or its socket paused; nothing is allocated from a length that a peer names.',
    table(
      ['limit', 'default'],
      Object.entries(limitWords).map(([name, words]) => [words, String(Reflect.get(defaultLimits, name))]),
    ),
    '## Transfer syntaxes',
    'Accepted as SCP. As SCU each instance is proposed in the syntax that it is kept in, and in Explicit and Implicit VR Little Endian. Originals go as they came wherever the peer takes their syntax; where it does not, they are decompressed without loss and proved equal (those compressed with loss only where the site says so). Derived series are kept in Explicit VR Little Endian and may be compressed without loss where the configuration of the peer asks for it (JPEG-LS, JPEG 2000).',
    table(['UID', 'name', 'can be enhanced', 'with loss: skipped unless lifted'], syntaxRows()),
    `Uncompressed: ${[...nativeSyntaxes].map(code).join(', ')}.`,
    '## Storage SCP',
    'An instance is kept byte for byte; 0000 is answered only after it is on disk. An instance that comes again with the same bytes is answered 0000 and not kept twice. One that comes again with other bytes is kept beside the first, which alone goes on, and its series is held for a person (0111 where the peer has `duplicates: refuse`). One whose SOP Instance UID another series brought before is kept and goes on; the decision on its series carries a warning (NON_CONFORMANT). Level of conformance: 2.',
    table(['status', 'when'], answerRows()),
    '## Storage SCU',
    `What the status of a C-STORE response means for its instance. *transient* is tried again, spaced by exponential back-off with jitter from ${seconds(defaultRetryPolicy.firstMs)} to ${minutes(defaultRetryPolicy.longestMs)}, as often as the table says and no longer than \`giveUp\` of the peer (an answer that \`treatAsTransient\` of the peer names: ${busyTries} times, ${minutes(busyPeerMs)} apart); *warned* counts as delivered and is shown to the operator; *permanent* is not tried again, and a person is told. Before C000 to CFFF counts, the instance is sent once in each of Explicit and Implicit VR Little Endian that it has not gone out in, that the peer accepts, and that it may be decompressed to.`,
    table(['status', 'instance', 'tried'], statusRows()),
    '## Storage Commitment',
    'As SCU, for peers with `commitment`: after a delivery N-ACTION (action type 1) names what was stored; N-EVENT-REPORT is taken on the same association or on a later one of that peer. Without a report, or with failures that may pass, it is asked again; instances that the peer does not have are stored again. When a person requeues a series, its peers are asked anew. Pixels stay in limpid until it has committed itself.',
    table(
      ['', 'key', 'default'],
      [
        ['a report may take', code('commitment.wait'), `${asked.waitMs / 3_600_000} h`],
        ['requests before an instance counts as uncommitted', code('commitment.tries'), String(asked.tries)],
        ['the association stays open for a report', code('commitment.linger'), `${asked.lingerMs / 1000} s`],
        ['a peer to which no association comes about, or that refuses the Push Model, is asked for', '`giveUp` of the peer', '7 d'],
      ],
    ),
    `As SCP, where \`node.commitment\` says so (not by default), for the peers that the configuration names. limpid is no archive: it commits itself for a time. N-ACTION is answered 0000 only when the request is on disk. An instance is committed when its file has been read to its end, its SOP class is the one asked for, its bytes have the SHA-256 that was recorded when its series was closed (with \`of: received\` it may be asked for before: then reading it is all) and, with \`of: forwarded\`, every peer that the rules forward it to has stored it (and has committed itself, where it is asked). Derived series are not committed. N-EVENT-REPORT goes over the association of the request where the requestor keeps that open for ${seconds(promiseFigures.lingerMs)}, else over a new one to host and port of the peer, with the SCP role proposed; it is repeated with back-off from ${seconds(promiseFigures.firstRetryMs)} to ${minutes(promiseFigures.longestRetryMs)}. A peer without host and port is told on the association of its request only. A report that is not taken shows in \`limpid series show\`, in a metric and in an alert.`,
    table(
      ['', 'key', 'default'],
      [
        ['what is committed', code('node.commitment.of'), given.of],
        ['pixels of what is committed stay at least', code('node.commitment.keep'), days(given.keepMs)],
        ['what is not forwarded by then is reported as failed', code('node.commitment.wait'), days(given.waitMs)],
        ['a report is repeated for', code('node.commitment.giveUp'), days(given.giveUpMs)],
      ],
    ),
    table(
      ['Failure Reason or status', 'when'],
      [
        [code('0112'), 'no such instance in the spool, or retention has taken it (report)'],
        [code('0119'), 'the instance is of another SOP class (report)'],
        [code('0110'), 'other bytes than recorded; forwarded to nobody, or not in time (report)'],
        [code('0131'), 'the Transaction UID stands for another request (N-ACTION); the same request again is answered 0000 and reported again, as long as its promise lasts'],
        [code('0213'), `${promiseFigures.mostOpenOfPeer} requests of this peer, or ${promiseFigures.mostOpen} of all, are open, or these name more than ${promiseFigures.mostReferencesOfPeer} instances, or ${promiseFigures.mostReferences} (N-ACTION)`],
        [code('0124'), 'limpid does not take that role for this peer (N-ACTION)'],
      ],
    ),
    '## Web services',
    `For peers of kind \`dicomweb\` limpid is a user agent of STOW-RS (PS3.18 Section 10.5), over http or https, with a token, a password or a client certificate where the configuration names one: POST to \`studies\` below the peer's \`url\`, multipart/related of application/dicom, ${batchInstances} instances and \`batch\` bytes at most; answers in DICOM JSON or the Native DICOM Model are read. Originals go in the syntax that they came in, derived series as under Transfer syntaxes. OPTIONS to \`studies\` asks whether the server is there. Failure Reasons count as the status of a C-STORE response (${hex(0xc122, 4)}: the syntax is not taken), instances with a Warning Reason as warned. Nothing is retrieved, and limpid serves no DICOMweb.`,
    table(['HTTP status', 'instance'], webRows()),
    'Peers of kind `folder` get Part 10 files, by default in `STUDY/SERIES/` and named by SOP Instance UID, without a DICOMDIR.',
    '## Network interfaces',
    'DICOM upper layer over TCP/IP, IPv4 and IPv6, with and without TLS. The physical medium is the operating system\'s.',
    '## Configuration',
    'The whole list stands in [config.md](config.md).',
    table(['what', 'key', 'default'], configurationRows()),
    '## Media interchange',
    'None.',
    '## Character sets',
    'Every Specific Character Set: text is copied as bytes, never decoded and encoded again, and (0008,0005) stays as it is, in originals and derived objects. What limpid writes itself is ASCII and holds in every set. The words of a person who withdraws a series are written in the set of the study: in ISO_IR 192 and 100 as they were given, in others in ASCII (`u` for `ü`, ? where there is nothing near). Derivation Description and Image Comments that grow too long are cut between characters, with escape sequences closed, and show `...` where they were cut. Of Series Description the derived one takes what fits into 64 bytes, escape sequences among them. For rules and pages the single-byte sets of ISO 8859, ISO_IR 13, ISO_IR 192, GB18030, GBK and the ISO 2022 extensions for Japanese, Korean and Chinese are read.',
    '## Security',
    'BCP 195 TLS Secure Transport Connection Profile (PS3.15 B.12), where the site configures it: TLS 1.2 and 1.3 without downgrade, suites ECDHE with AES-GCM (TLS 1.2), AES-GCM and ChaCha20 (TLS 1.3), keys of at least 2048 bits (RSA), mutual authentication by default. A peer may be bound to certificates by SHA-256 fingerprint or subject; its AE title is then refused without one (1/1/3). Certificates are renewed without a restart. Over the plain port AE title and address are what a caller is known by.',
    "Audit messages (PS3.15 A.5), where the site names a repository (`audit`): DICOM's schema over syslog (RFC 5424) by TLS (RFC 5425), TCP or UDP (RFC 5426), facility 10, severity 5, MSGID `DICOM+RFC3881`, all three configurable. Each waits in the spool until it has been handed over; one that a broken connection may have lost goes again.",
    table(
      ['event', 'when', 'action, outcome'],
      [
        ['Application Activity (110100)', 'a process starts, or has ended its work', 'E, 0'],
        ['DICOM Instances Transferred (110104)', 'a series has come; instances among it came again with other bytes', 'C, 0; R, 4'],
        ['DICOM Instances Accessed (110103)', 'a task has read a series; it has made instances', 'R, 0, 4 withheld or 8 failed; C, 0'],
        [
          'Begin Transferring DICOM Instances (110102), DICOM Instances Transferred (110104)',
          'instances go to a peer, 500 at most at a time; a withdrawal names who asked for it',
          'E, 0; R, 0, 4 or 8',
        ],
        [
          'Security Alert (110113), Node Authentication (110126)',
          'an association or a TLS handshake is refused for good; the same caller once a minute',
          'E, 4',
        ],
      ],
    ),
    'Objects are the study (accession number, SOP classes and counts) and the patient. Retention in the spool is not told: limpid is no archive, and what it sweeps is elsewhere. Neither are pages, which show nothing of a patient but the number of a study, nor changes of the configuration.',
    'No de-identification.',
    ...(await objectSections()),
  );
}
