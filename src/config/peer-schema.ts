/** The peers of the configuration: DICOM nodes, DICOMweb servers and folders, told apart by `kind`. */
import { z } from 'zod';
import { commitment } from './commitment-schema.js';
import { assembleOwn } from './completion.js';
import { aeTitle, duration, host, rate, scalar, size, source, text, timer, whole } from './scalars.js';
import { peerReceive } from './receive-schema.js';
import { peerTls } from './tls-schema.js';
import { parseWindow } from './units.js';

const rateText = 'a number of instances a second from 0.1 to 10000';
const window = scalar(
  'hours with a time zone of the tz database, as 20:00-06:00 Europe/Vienna',
  (value) => (typeof value === 'string' ? parseWindow(value) : null),
  {
    type: 'string',
    pattern: '^([01]\\d|2[0-3]):[0-5]\\d-([01]\\d|2[0-3]):[0-5]\\d [A-Za-z0-9_+/-]+$',
    description: 'Hours of the day with their time zone: 20:00-06:00 Europe/Vienna.',
  },
);

/** Keys of every peer that limpid delivers to. */
const delivery = {
  giveUp: duration
    .prefault('7d')
    .describe(
      'A delivery is given up this long after its first try, or the first since one that has brought something, and a commitment this long after the delivery where no association comes about to ask for it. Of a peer with `window` the time within its hours counts.',
    ),
  throttle: z
    .strictObject({
      instancesPerSecond: z
        .number(`expected ${rateText}`)
        .min(0.1, `expected ${rateText}`)
        .max(10_000)
        .optional()
        .describe('The most that is sent to it, on average; absent: as fast as it takes.'),
      bytesPerSecond: rate
        .optional()
        .describe('The same in bytes, as 2MB; a single larger instance is followed by a pause.'),
    })
    .prefault({})
    .transform(({ instancesPerSecond = null, bytesPerSecond = null }) => ({ instancesPerSecond, bytesPerSecond })),
  window: window
    .optional()
    .describe(
      'Nothing is sent outside these hours, no probe and no request for commitment either; what waits says so.',
    ),
};

const compress = z
  .enum(['none', 'jpeg-ls', 'jpeg-2000'])
  .default('none')
  .describe('Lossless syntax in which results are offered first; the peer may still take them uncompressed.');

/** What every kind reads alike. */
const shared = <T extends { readonly giveUp: number; readonly window?: ReturnType<typeof parseWindow> | undefined }>({
  giveUp,
  window: hours = null,
  ...rest
}: T) => ({ ...rest, giveUpMs: giveUp, window: hours });

const statusText = 'a status of four hex digits, x for any: C000, A7xx';

const dicom = z
  .strictObject({
    kind: z.literal('dicom').optional().describe('A DICOM node; the kind of a peer that names none.'),
    aeTitle: aeTitle.describe('Its AE title: called when limpid sends, calling when it sends to limpid.'),
    host: host.nullable().default(null).describe('Where it listens; only for peers that limpid sends to.'),
    port: whole('a port from 1 to 65535', 1, 65_535).nullable().default(null).describe('Goes with `host`.'),
    from: z
      .array(source, 'expected a list of addresses')
      .default([])
      .describe('Addresses or networks (10.1.0.0/16) it may call from; none: any.'),
    associations: whole('a number from 1 to 64', 1, 64)
      .default(4)
      .describe('Associations that limpid opens to it at once.'),
    timeout: timer
      .prefault('300s')
      .describe(
        'For its answer to a request, and for taking nothing of one; then the association is aborted, and what was not answered is sent again.',
      ),
    assemble: assembleOwn.describe('When series of this source are complete; keys as in `assemble`.'),
    treatAsTransient: z
      .array(z.string(`expected ${statusText}`).regex(/^[0-9A-Fa-f][0-9A-Fa-fx]{3}$/, `expected ${statusText}`))
      .default([])
      .describe('Refusals that this peer gives when it is only busy: three tries, five minutes apart.'),
    receive: peerReceive,
    tls: peerTls.nullable().default(null),
    compress,
    decompressLossy: z
      .boolean('expected true or false')
      .default(false)
      .describe(
        'Whether originals compressed with loss go out decompressed where the peer does not take their syntax.',
      ),
    commitment: commitment
      .prefault(false)
      .describe(
        'Storage commitment: after a delivery the peer is asked to commit itself; pixels stay until it has. true: with the defaults of the keys below.',
      ),
    ...delivery,
  })
  .transform(({ kind = 'dicom', timeout, ...rest }) => ({ kind, timeoutMs: timeout, ...shared(rest) }));

const folder = z
  .strictObject({
    kind: z.literal('folder').describe('A folder that files are put into.'),
    directory: text('a directory').describe('Must be there; a file in it is written once and never replaced.'),
    layout: z
      .enum(['study/series', 'series', 'flat'])
      .default('study/series')
      .describe('Folders by UID above the files, which are named by SOP Instance UID.'),
    ...delivery,
  })
  .transform(shared);

const secretFile = text('a file');
const webAddress = scalar(
  'an address as https://host/dicom-web',
  // without query and fragment: a path follows it
  (value) =>
    typeof value === 'string' && /^https?:\/\/[^?#]+$/.test(value) && URL.canParse(value)
      ? value.replace(/\/+$/, '')
      : null,
  { type: 'string', pattern: '^https?://' },
);
const dicomweb = z
  .strictObject({
    kind: z.literal('dicomweb').describe('A DICOMweb server that is stored to by STOW-RS.'),
    url: webAddress.describe('Base of its services: /studies follows it.'),
    bearerTokenFile: secretFile.optional().describe('File with the token; read for each request.'),
    username: text('a name').optional().describe('For basic authentication, with passwordFile.'),
    passwordFile: secretFile.optional().describe('File with the password; read for each request.'),
    connections: whole('a number from 1 to 16', 1, 16).default(2).describe('Requests that limpid makes at once.'),
    batch: size.prefault('100MB').describe('Most bytes of a request, unless one instance has more.'),
    timeout: timer.prefault('300s').describe('Silence of the server after which a request is given up.'),
    rate: rate
      .prefault('8KB')
      .describe('Least bytes a second of a request, over its whole time; 8KB: a line of 64 kbit/s.'),
    tls: peerTls.nullable().default(null),
    compress,
    decompressLossy: z.boolean('expected true or false').default(false),
    ...delivery,
  })
  .transform(
    ({
      batch,
      timeout,
      rate: bytesPerSecond,
      bearerTokenFile = null,
      username = null,
      passwordFile = null,
      ...rest
    }) => ({
      ...shared(rest),
      bearerTokenFile,
      username,
      passwordFile,
      batchBytes: batch,
      timeoutMs: timeout,
      bytesPerSecond,
    }),
  );

export const peer = z.discriminatedUnion('kind', [dicom, dicomweb, folder], {
  error: (issue) => (issue.code === 'invalid_union' ? 'expected dicom, dicomweb or folder' : undefined),
});
