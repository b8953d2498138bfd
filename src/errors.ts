/**
 * Every failure and every reason of limpid, in two tables. Codes are public (metric label, log field, API, `series show`,
 * docs/errors.md) and never renamed, only retired.
 */

/** What the one who runs the step does next: try again later, give this input up, or stop the process. */
export type Next = 'retry' | 'reject' | 'stop';

/** Faults: `ROOM_WHAT`. `hint` tells an operator what to do now. */
export const failures = {
  // config
  CONFIG_INVALID: {
    next: 'stop',
    hint: 'Mend the lines that the message names; `limpid config check` tries the file.',
  },
  CONFIG_UNREADABLE: { next: 'stop', hint: 'Check the path given by --config and its permissions.' },
  // spool
  SPOOL_FULL: { next: 'retry', hint: 'Free space on the volume; of the spool, spool.keep says how long pixels stay.' },
  SPOOL_UNUSABLE: {
    next: 'stop',
    hint: 'The spool needs a local disk or volume with link, rename and fsync, and write permission. Of one that gives errors while the node runs, see the log of the system; what was under way goes on by itself when it is back.',
  },
  SPOOL_LOCKED: {
    next: 'stop',
    hint: 'Another receiver holds this spool; stop it or give this one a spool of its own.',
  },
  SPOOL_RECORD_INVALID: {
    next: 'reject',
    hint: 'A record in the spool is cut, or was written by a newer limpid; keep the file. `limpid series list --state unreadable` names the series, its folder and what to do.',
  },
  SPOOL_INSTANCE_DAMAGED: {
    next: 'reject',
    hint: 'Power failed before an acknowledged instance was on the disk (spool.sync: never), or the disk is sick: send the series again from its source. The file lies in `damaged` of its series.',
  },
  SPOOL_INSTANCE_LOST: {
    next: 'retry',
    hint: 'A file of an instance is gone from the spool: a person has removed it, or a repair of the disk. `limpid spool verify` names all; send them again from their source, and they go on.',
  },
  SPOOL_SWEPT: {
    next: 'reject',
    hint: 'What was delivered is at its destinations; spool.keep.delivered says how long pixels stay here.',
  },
  SPOOL_NOTHING_MADE: {
    next: 'reject',
    hint: 'Only derived series can be withdrawn, once each, and again where a peer has refused that: `limpid series show` lists them.',
  },
  SPOOL_NOTHING_HELD: {
    next: 'reject',
    hint: '`limpid series show` says how its tasks ended; a task that has failed runs again by `limpid series requeue`.',
  },
  SPOOL_UNKNOWN_SERIES: { next: 'reject', hint: 'Look the series up with `limpid series list`.' },
  SPOOL_UNKNOWN_TARGET: { next: 'reject', hint: '`limpid series show` names its tasks, and the peers they go to.' },
  // queue
  QUEUE_UNAVAILABLE: {
    next: 'retry',
    hint: 'Check that the queue runs; received instances are kept and taken up again by themselves.',
  },
  QUEUE_IN_USE: { next: 'stop', hint: 'The embedded queue serves one process; use queue: redis://... for more.' },
  // dicom
  DICOM_NOT_DICOM: { next: 'reject', hint: 'The file is no DICOM object: send DICOM Part 10 files.' },
  DICOM_MALFORMED: {
    next: 'reject',
    hint: 'The data set is cut or cannot be walked; send the instance again from its source.',
  },
  DICOM_UNDECODABLE: {
    next: 'reject',
    hint: 'The pixel data cannot be decoded; the original is kept and forwarded unchanged.',
  },
  // inference
  MODEL_INVALID: {
    next: 'stop',
    hint: '`limpid models verify` names what does not fit, in a folder that can be read (--models, models.directory); restore a model of limpid from the release; mend one of your own, and seal it (docs/models.md).',
  },
  MODEL_FAILED: {
    next: 'reject',
    hint: 'The network failed on an image of this task: the message says how. Mend it (report it, if it is one of limpid) or give the rule a fallback, then `limpid series requeue`.',
  },
  MODEL_UNKNOWN: {
    next: 'reject',
    hint: 'See `limpid models list` for the models this node has. After one was replaced, restart every process of the node, then `limpid series requeue`.',
  },
  PROVIDER_UNAVAILABLE: { next: 'stop', hint: 'No execution provider of workers.providers works here; add cpu.' },
  // receive
  RECEIVE_UNREPORTED: {
    next: 'reject',
    hint: 'A peer asked this node for storage commitment and did not take the report: give the peer its host and port, and it a way to take N-EVENT-REPORT; it may then ask again.',
  },
  // enhance
  ENHANCE_CHILD_DIED: {
    next: 'retry',
    hint: 'The worker child ended; the task runs again and is given up after three deaths.',
  },
  ENHANCE_DEADLINE: {
    next: 'retry',
    hint: 'Raise workers.deadline or give the worker more cores. Where the message names one image, only cores help, or its decoder hangs: see whether another program can read it.',
  },
  ENHANCE_MEMORY: {
    next: 'retry',
    hint: 'Raise workers.memory, or split very large series at the modality; of a GPU, lower workers.batch.',
  },
  ENHANCE_DRAINED: { next: 'retry', hint: 'The node was stopped; the task runs again.' },
  // derive
  DERIVE_CHECK_FAILED: {
    next: 'reject',
    hint: 'A derived object did not pass the check before sending; report it with the series key.',
  },
  // io
  DIMSE_LISTEN: {
    next: 'stop',
    hint: 'Another process holds the address of node.dimse, or it is not one of this machine: change host or port.',
  },
  DIMSE_CONNECT: { next: 'retry', hint: 'Check host and port of the peer, and the network between.' },
  DIMSE_TLS: {
    next: 'retry',
    hint: 'Check both certificates: validity, signing authority, name; and that the peer talks TLS on this port.',
  },
  DIMSE_REJECTED: {
    next: 'retry',
    hint: '1/1/3 and 1/1/7: check both AE titles in its table; transient: it is busy or full, try later; else see its log.',
  },
  DIMSE_ABORTED: { next: 'retry', hint: 'The peer aborted; see its log at this time.' },
  DIMSE_TIMEOUT: { next: 'retry', hint: 'The peer did not answer in time; check its load.' },
  DIMSE_PROTOCOL: { next: 'retry', hint: 'The peer broke the protocol; see the message, and its log.' },
  DIMSE_NO_CONTEXT: { next: 'reject', hint: 'The peer accepts no presentation context for this class: add it there.' },
  DICOMWEB_CONNECT: { next: 'retry', hint: "Check the peer's url, and the network between." },
  DICOMWEB_TLS: { next: 'retry', hint: 'Check the certificates of both sides: the message says what is wrong.' },
  DICOMWEB_TIMEOUT: { next: 'retry', hint: 'The server did not answer in time; check its load, or raise timeout.' },
  DICOMWEB_LOST: { next: 'retry', hint: 'The connection ended within a request; see the log of the server.' },
  DICOMWEB_REFUSED: { next: 'retry', hint: 'The server refused the request: the message says why.' },
  // deliver
  DELIVER_UNKNOWN_PEER: {
    next: 'retry',
    hint: 'The decision names a peer that the configuration no longer has: add it again, or discard.',
  },
  DELIVER_FOLDER: {
    next: 'retry',
    hint: 'Check that the folder of the peer is there, mounted and writable, and that its volume has space.',
  },
  DELIVER_UNCOMMITTED: {
    next: 'retry',
    hint: 'The peer has stored the instances and does not commit itself to them: `limpid peers check`, mend it there, then `limpid series requeue`; or discard.',
  },
  // audit
  AUDIT_UNREACHABLE: {
    next: 'retry',
    hint: 'Check audit.repository, the network between and both certificates; messages stay in the spool until they are taken.',
  },
  // admin
  ADMIN_LISTEN: {
    next: 'stop',
    hint: 'Another process holds the address of node.http, or it is not one of this machine: change host or port.',
  },
  ADMIN_ADDRESS: {
    next: 'reject',
    hint: 'Without a login the API and the pages are served on a loopback address only: set node.http.host to 127.0.0.1 and come through a tunnel.',
  },
  ADMIN_HOST: { next: 'reject', hint: 'Call the node by localhost, 127.0.0.1 or [::1].' },
  ADMIN_REQUEST: { next: 'reject', hint: 'Mend the request; /api/openapi.json describes it.' },
  ADMIN_METHOD: { next: 'reject', hint: 'Use a method of the Allow header; /api/openapi.json lists what there is.' },
  ADMIN_NO_ANSWER: {
    next: 'retry',
    hint: 'The node is busy, or the volume of its spool or its queue does not answer: /readyz and the log tell. Ask again later, a list for fewer at once. An action may still be done: look at the series before you ask for it again.',
  },
  ADMIN_UNKNOWN: { next: 'reject', hint: 'There is nothing at this path; /api/openapi.json lists what there is.' },
  // node
  NODE_DESCRIPTORS: {
    next: 'stop',
    hint: 'Let the process have more files open at once: LimitNOFILE of its systemd unit, --ulimit nofile of its container, `ulimit -n` of the shell.',
  },
  // cli
  USAGE: { next: 'stop', hint: 'See --help.' },
  INTERNAL: { next: 'retry', hint: 'A fault of limpid: report it with the log line.' },
} as const satisfies Record<string, { next: Next; hint: string }>;

export type FailureCode = keyof typeof failures;

/** The one error class: a stable code, a message for a person, the cause below it. Messages hold no patient data. */
export class LimpidError extends Error {
  readonly code: FailureCode;
  constructor(code: FailureCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'LimpidError';
    this.code = code;
  }
  get next(): Next {
    return failures[this.code].next;
  }
  get hint(): string {
    return failures[this.code].hint;
  }
}

/** Gate verdicts (conformance: input gate): skip the task, hold it for a person, or only warn. */
export type GateVerdict = 'skip' | 'hold' | 'warn';

/**
 * Reasons why a series or task was not enhanced, the words of the input gate. `lift`: a rule may lift it with `lift: [CODE]`.
 * A reason in a record may carry a detail after a colon (`MISSING_ATTRIBUTE:RescaleSlope`); labels take the part before it.
 */
export const reasons = {
  OWN_OUTPUT: { verdict: 'skip', lift: false, says: 'The series was made by limpid.' },
  DERIVED: { verdict: 'skip', lift: true, says: 'Image Type value 1 is not ORIGINAL, or another names a projection.' },
  LOCALIZER: { verdict: 'skip', lift: false, says: 'A localizer, scout or survey image.' },
  SECONDARY_CAPTURE: { verdict: 'skip', lift: false, says: 'Secondary Capture objects are never enhanced.' },
  UNSUPPORTED_SOP_CLASS: {
    verdict: 'skip',
    lift: false,
    says: 'The SOP class is not one that limpid enhances. Scanners that put raw data into the series of their images: `accept: enhanceable` of that peer keeps it out.',
  },
  SCREEN_OR_REPORT: { verdict: 'skip', lift: false, says: 'A screen save, dose report or protocol page.' },
  VENDOR_NETWORK: {
    verdict: 'skip',
    lift: true,
    says: 'A network of the vendor has reconstructed or denoised it already.',
  },
  ITERATIVE_STRONG: {
    verdict: 'warn',
    lift: false,
    says: 'Strong iterative reconstruction, outside the training of most models.',
  },
  OUTSIDE_INTENDED_USE: { verdict: 'skip', lift: false, says: "Outside the model card's intended use." },
  NOT_MAGNITUDE: {
    verdict: 'skip',
    lift: false,
    says: 'MR phase, real, imaginary, field map, or map of a parameter (ADC, FA, T2), also by a rescale that moves 0 far: noise there is of another kind.',
  },
  MOSAIC: { verdict: 'skip', lift: false, says: 'A mosaic of many slices in one image.' },
  NON_SQUARE_PIXELS: { verdict: 'warn', lift: false, says: 'Row and column spacing differ by more than 1 %.' },
  PAEDIATRIC: { verdict: 'skip', lift: true, says: "The patient is younger than the model card's limit." },
  TOO_FEW_SLICES: { verdict: 'skip', lift: false, says: 'Fewer slices than the rule or the model card asks for.' },
  MIXED_PATIENT: {
    verdict: 'skip',
    lift: false,
    says: 'Patient ID or birth date differ within the series: its images may be of two patients.',
  },
  MIXED_GEOMETRY: {
    verdict: 'skip',
    lift: false,
    says: 'Orientation, matrix, spacing or frame of reference differ within the series.',
  },
  MIXED_PIXELS: {
    verdict: 'skip',
    lift: false,
    says: 'Bits, sign, photometric interpretation or rescale differ within the series.',
  },
  GAPS: { verdict: 'skip', lift: true, says: 'Slice positions are missing.' },
  DUPLICATE_POSITION: {
    verdict: 'skip',
    lift: false,
    says: 'Two instances at one position that no dimension tells apart.',
  },
  DUPLICATE_DIFFERS: { verdict: 'hold', lift: false, says: 'An instance came twice with different bytes.' },
  REVISION_STORM: { verdict: 'hold', lift: false, says: 'More than five revisions within an hour.' },
  COLOUR: {
    verdict: 'skip',
    lift: false,
    says: 'Colour that limpid does not enhance: all but ultrasound in RGB or YBR with tissue in grey.',
  },
  PALETTE: { verdict: 'skip', lift: false, says: 'Palette colour images are not enhanced.' },
  LOSSY: { verdict: 'skip', lift: true, says: 'The pixels were compressed with loss.' },
  BURNED_IN: { verdict: 'skip', lift: true, says: 'Burned-in annotation: a network may alter text.' },
  MISSING_ATTRIBUTE: {
    verdict: 'skip',
    lift: false,
    says: 'An attribute that enhancement needs is missing, or its numbers describe no plane.',
  },
  BAD_UID: {
    verdict: 'skip',
    lift: false,
    says: 'A SOP, Series or Study Instance UID of the source is no UID: nothing could be traced back to it.',
  },
  BAD_RESCALE: {
    verdict: 'skip',
    lift: false,
    says: 'A rescale slope that is 0, no number, several, or too small beside the intercept; a Modality LUT; or CT whose values are not HU.',
  },
  BAD_PIXEL_DESCRIPTION: {
    verdict: 'skip',
    lift: false,
    says: 'The pixel description contradicts itself or is not supported.',
  },
  UNDECODABLE: { verdict: 'skip', lift: false, says: 'The pixel data cannot be decoded.' },
  ENCRYPTED: { verdict: 'skip', lift: false, says: 'The pixel data are encrypted.' },
  CONCATENATION: { verdict: 'skip', lift: false, says: 'Parts of a concatenation are missing.' },
  BAD_CHARSET: {
    verdict: 'warn',
    lift: false,
    says: 'Text does not fit its Specific Character Set; it is copied as it is.',
  },
  OVERLAY_DROPPED: { verdict: 'warn', lift: false, says: 'An overlay of the source does not fit the new grid.' },
  NON_CONFORMANT: {
    verdict: 'warn',
    lift: false,
    says: 'The source breaks the standard; limpid passes that on unchanged.',
  },
  ALREADY_CLEAN: {
    verdict: 'skip',
    lift: false,
    says: "The series' noise is below the model card's floor, or so little above it that less than a tenth of the strength would be left.",
  },
  LIMITS_NOT_MEASURED: {
    verdict: 'warn',
    lift: false,
    says: "Limits of the model card that were measured on no image, as in images with hardly any tissue: nothing was withheld by them. Look at the result's difference.",
  },
  NO_CHANGE: {
    verdict: 'skip',
    lift: false,
    says: 'The result would be the source: nothing in it may change, or every change is smaller than rounding to stored values.',
  },
  NOISE_NOT_MEASURABLE: { verdict: 'skip', lift: true, says: 'No noise estimate, and no fixed blend on the card.' },
  SOURCE_SWEPT: { verdict: 'skip', lift: false, says: 'Earlier instances of the series are no longer in the spool.' },
  NO_RULE: { verdict: 'hold', lift: false, says: 'No rule matches the series.' },
  SUPERSEDED: { verdict: 'skip', lift: false, says: 'A later revision of the series replaced this task.' },
  WITHHELD: {
    verdict: 'hold',
    lift: false,
    says: "The result is outside the model card's limits.",
  },
  POISON: {
    verdict: 'skip',
    lift: false,
    says: 'The task failed, or ended its worker child, three times, or ten attempts came to no end.',
  },
} as const satisfies Record<string, { verdict: GateVerdict; lift: boolean; says: string }>;

export type ReasonCode = keyof typeof reasons;

/** One reason as records hold it. `detail` names attribute, value or limit in words without patient data; empty where there is nothing to add. */
export interface Reason {
  readonly code: ReasonCode;
  readonly detail: string;
}

/** What the system says where the volume or the machine is at fault, and no work that met it. */
const systemFaults: readonly (readonly [failure: FailureCode, codes: readonly unknown[]])[] = [
  ['SPOOL_FULL', ['ENOSPC', 'EDQUOT']],
  ['SPOOL_UNUSABLE', ['EIO', 'ESTALE', 'EROFS']],
  // A worker thread's own loop cannot be made without descriptors.
  ['NODE_DESCRIPTORS', ['EMFILE', 'ENFILE', 'ERR_WORKER_INIT_FAILED']],
];

/** The code of any error: its own, that of a full or failing volume or of too many open files, else `INTERNAL`. */
export function failureCodeOf(error: unknown): FailureCode {
  if (error instanceof LimpidError) return error.code;
  const said = typeof error === 'object' && error !== null && 'code' in error ? error.code : null;
  return systemFaults.find(([, codes]) => codes.includes(said))?.[0] ?? 'INTERNAL';
}
