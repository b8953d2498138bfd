/** The configuration (design: configuration): its shape, its defaults, and the value that the rest of limpid gets. */
import { z } from 'zod';
import type { VendorMark } from '../rule.js';
import { audit } from './audit-schema.js';
import { peer } from './peer-schema.js';
import { promising } from './promise-schema.js';
import { nodeReceive } from './receive-schema.js';
import { rulesSchema } from './rule-schema.js';
import { aeTitle, duration, host, name, port, scalar, size, text, timer, whole } from './scalars.js';
import { institution, keepPrivate, printable } from './site-schema.js';
import { listenerTls } from './tls-schema.js';
import { builtInMarks, readMark } from './vendor-marks.js';
import type { VendorMarkText } from './vendor-marks.js';

const node = z.strictObject({
  aeTitle: aeTitle.describe('AE title that modalities call.'),
  name: printable(16, 'a name').default('limpid').describe('Station Name in derived objects.'),
  qualification: z
    .enum(['RESEARCH', 'PRODUCT'])
    .default('RESEARCH')
    .describe(
      'Content Qualification of derived objects; PRODUCT only where the models are cleared for clinical use, and only of models whose card says so.',
    ),
  codes: z
    .enum(['limpid', 'standard-only'])
    .default('limpid')
    .describe(
      'Derivation codes: limpid tells noise reduction by codes of its own where the standard has none; standard-only writes Smoothing (113087) instead. Derived series get other UIDs then.',
    ),
  institution: institution
    .prefault({})
    .describe('Where derived objects were made, in place of what the source says. It changes no UID.'),
  keepPrivate: keepPrivate
    .default([])
    .describe(
      "Private elements that derived objects keep beside limpid's own list, where their values stay true of other pixels. It changes no UID.",
    ),
  unknownCallers: z
    .enum(['refuse', 'accept'])
    .default('refuse')
    .describe('Whether an AE title or address that no peer has may send.'),
  dimse: z
    .strictObject({
      host: host.default('0.0.0.0').describe('Address that modalities call; 0.0.0.0: every one of this machine.'),
      port: port.nullable().default(11_112).describe('null: no plain listener, TLS only.'),
      tls: listenerTls.nullable().default(null),
      ...nodeReceive,
    })
    .prefault({})
    .transform(({ idle, maximumObject, ...rest }) => ({ ...rest, idleMs: idle, maximumObjectBytes: maximumObject })),
  commitment: promising
    .prefault(false)
    .describe(
      'Whether named peers may ask this node for storage commitment. limpid is no archive: a commitment holds for `keep`. true: with the defaults of the keys below.',
    ),
  http: z
    .strictObject({
      host: host
        .default('127.0.0.1')
        .describe(
          'Pages and API are served on a loopback address alone; on any other only /livez, /readyz and /metrics.',
        ),
      port: port.default(8080).describe('Of pages, API and metrics; 0: any free one.'),
    })
    .prefault({}),
});

const spool = z.strictObject({
  directory: text('a directory').default('./data').describe('A local disk, or a volume that the machines share.'),
  sync: z
    .enum(['always', 'never'])
    .default('always')
    .describe('never: an acknowledged instance may be lost when power fails.'),
  keep: z
    .strictObject({
      delivered: duration
        .prefault('7d')
        .describe('Pixels stay so long after every destination has its instances, originals as well as derived ones.'),
      records: duration
        .prefault('400d')
        .describe('The JSON records stay so long: what was decided, made and delivered. No less than `delivered`.'),
    })
    .prefault({})
    .refine(({ delivered, records }) => records >= delivered, {
      path: ['records'],
      error: 'expected no less than spool.keep.delivered: pixels go with the records at the latest',
    })
    .transform(({ delivered, records }) => ({ deliveredMs: delivered, recordsMs: records })),
  low: size.prefault('10GB').describe('Free space below which instances are refused as out of resources.'),
  critical: size.prefault('2GB').describe('Free space below which associations are refused.'),
  settle: duration
    .prefault('65s')
    .describe(
      'With a queue for several processes: so long after its end a finished series is looked at once more, as a shared volume may show what another machine has written that late.',
    ),
});

const enoughSpool = spool.refine(({ low, critical }) => low >= critical, {
  path: ['low'],
  error: 'expected no less than spool.critical: instances are refused before associations are',
});

const redisOrPostgres = /^(rediss?|postgres(ql)?):\/\//;
const queue = scalar(
  'embedded, redis://HOST:PORT or postgres://HOST/DATABASE, or { url: ..., passwordFile: ... }',
  (value) => {
    if (value === 'embedded') return { url: 'embedded' as const, passwordFile: null };
    const [url, passwordFile] =
      typeof value === 'object' &&
      value !== null &&
      Object.keys(value).every((key) => key === 'url' || key === 'passwordFile')
        ? [Reflect.get(value, 'url') as unknown, (Reflect.get(value, 'passwordFile') as unknown) ?? null]
        : [value, null];
    if (typeof url !== 'string' || !redisOrPostgres.test(url) || !URL.canParse(url)) return null;
    return passwordFile === null || typeof passwordFile === 'string' ? { url, passwordFile } : null;
  },
  {
    description: 'embedded serves one process; redis:// and postgres:// any number.',
    anyOf: [
      { const: 'embedded' },
      { type: 'string', pattern: redisOrPostgres.source },
      {
        type: 'object',
        properties: {
          url: { type: 'string', pattern: redisOrPostgres.source, description: 'redis://, rediss:// or postgres://.' },
          passwordFile: { type: 'string', description: 'File that holds the password.' },
        },
        required: ['url'],
        additionalProperties: false,
      },
    ],
  },
);

const assemble = z
  .strictObject({
    quiet: duration.prefault('60s').describe('A series is complete after this long without an instance.'),
    released: duration
      .prefault('5s')
      .describe('The same after an association with several of its instances was released.'),
    gaps: duration.prefault('120s').describe('The same while slice positions are missing.'),
    longest: duration.prefault('30m').describe('At the latest this long after its first instance.'),
  })
  .transform((value) => ({
    quietMs: value.quiet,
    releasedMs: value.released,
    gapsMs: value.gaps,
    longestMs: value.longest,
  }));

const workers = z
  .strictObject({
    providers: z
      .array(z.enum(['cpu', 'cuda', 'tensorrt', 'webgpu', 'dml', 'coreml']), 'expected a list of execution providers')
      .min(1, 'expected at least one execution provider')
      .default(['cuda', 'cpu'])
      .describe('Execution providers in order of preference; the first that works here is taken.'),
    threads: scalar(
      'auto, or a number from 1 to 256',
      (value) => {
        if (value === 'auto') return 'auto' as const;
        return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 256 ? value : null;
      },
      { anyOf: [{ const: 'auto' }, { type: 'integer', minimum: 1, maximum: 256 }] },
    )
      .prefault('auto')
      .describe('Threads of all devices together; auto: one less than there are cores.'),
    batch: whole('a number from 1 to 64', 1, 64)
      .default(4)
      .describe('Slices of 512 x 512 that a GPU takes at once, at most; of larger ones fewer. The CPU takes one.'),
    deadline: timer.prefault('30m').describe('A task that runs longer is ended and tried again.'),
    memory: size.prefault('4GB').describe('A worker child that takes more is ended.'),
    devices: whole('a number from 1 to 16', 1, 16).default(1).describe('Worker children, one a device.'),
  })
  .transform(({ deadline, memory, ...rest }) => ({ ...rest, deadlineMs: deadline, memoryBytes: memory }));

const vendorMark = z
  .strictObject({
    product: text('the name of a product').describe('Name that `series show` gives.'),
    attribute: text('a keyword, a tag, or (0043,xxCA) with a creator').describe(
      'Keyword or tag; of a private attribute (0043,xxCA), or (0053,xxxx) for all that its creator wrote.',
    ),
    creator: text('a private creator').optional().describe('Private creator of such an attribute.'),
    matches: text('a regular expression').describe(
      'Regular expression, found anywhere in the value, without regard to case.',
    ),
    code: z
      .enum(['VENDOR_NETWORK', 'ITERATIVE_STRONG'])
      .describe(
        'VENDOR_NETWORK: a series with this mark is skipped; ITERATIVE_STRONG: it is enhanced, with a warning.',
      ),
  })
  .transform((mark: VendorMarkText, context): VendorMark => {
    const read = readMark(mark);
    if ('product' in read) return read;
    for (const { key, message } of read.faults) context.addIssue({ code: 'custom', path: [key], message });
    return z.NEVER;
  });

const models = z.strictObject({
  directory: text('a directory')
    .nullable()
    .default(null)
    .describe("Folder with models of the site's own, beside those that limpid brings: an update leaves it alone."),
});

const gate = z
  .strictObject({
    vendorMarks: z
      .array(vendorMark, 'expected a list of marks')
      .optional()
      .describe("Marks of vendors' own networks; a list here takes the place of the built-in one."),
  })
  // Called for, since reading the built-in ones takes the data dictionary: a third of the start of a command that only sends.
  .transform(({ vendorMarks: own }) => ({ vendorMarks: own === undefined ? builtInMarks : () => own }));

export const configSchema = z.strictObject({
  node,
  spool: enoughSpool.prefault({}).transform(({ low, critical, settle, ...rest }) => ({
    ...rest,
    lowBytes: low,
    criticalBytes: critical,
    settleMs: settle,
  })),
  queue: queue.prefault('embedded'),
  assemble: assemble.prefault({}),
  peers: z.record(name, peer, 'expected peers by name').default({}),
  workers: workers.prefault({}),
  models: models.prefault({}),
  gate: gate.prefault({}),
  audit,
  rules: rulesSchema.default([]),
  log: z
    .strictObject({
      level: z
        .enum(['debug', 'info', 'warn', 'error', 'silent'])
        .default('info')
        .describe('Least weight of the lines on standard error, a JSON object each.'),
    })
    .prefault({}),
});

type DeepReadonly<T> = T extends (...args: never[]) => unknown
  ? T
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;

/** The whole configuration, checked and frozen. */
export type Config = DeepReadonly<
  z.output<typeof configSchema> & {
    /** The sections that are one for all processes, as written: plain data, to be kept and compared. */
    shared: { assemble: unknown; peers: unknown; rules: unknown };
    /** Everything as written, with the variables in it: to be compared with what the files say later. */
    written: unknown;
  }
>;
