// `audit`: where the audit trail goes (PS3.15 Annex A.6), and under which names.
import { z } from 'zod';
import { scalar, text, timer, whole } from './scalars.js';
import { printable } from './site-schema.js';

const defaultPorts = { tls: 6514, tcp: 601, udp: 514 } as const;
type AuditTransport = keyof typeof defaultPorts;

const isTransport = (value: string): value is AuditTransport => Object.hasOwn(defaultPorts, value);

const repository = scalar(
  'tls://HOST:PORT, tcp://HOST:PORT or udp://HOST:PORT',
  (value) => {
    const [, scheme = '', host = '', port] =
      (typeof value === 'string'
        ? /^(tls|tcp|udp):\/\/(\[[0-9a-fA-F:.]+\]|[^\s/:@[\]]+)(?::(\d{1,5}))?\/?$/.exec(value)
        : null) ?? [];
    if (!isTransport(scheme)) return null;
    const number = port === undefined ? defaultPorts[scheme] : Number(port);
    if (number < 1 || number > 65_535) return null;
    return { transport: scheme, host: host.replace(/^\[(.*)\]$/, '$1'), port: number };
  },
  { type: 'string', pattern: '^(tls|tcp|udp)://[^/\\s]+/?$' },
);

const file = text('a file').nullable().default(null);

export const audit = z
  .strictObject({
    repository: repository.describe(
      'Syslog collector of the audit repository; without a port 6514 (tls), 601 (tcp), 514 (udp). By udp, and at the end of a connection by tcp, messages can be lost.',
    ),
    sourceId: printable(255, 'a name').nullable().default(null).describe('Audit Source ID; absent: node.name.'),
    enterpriseSite: printable(255, 'a name').nullable().default(null).describe('Audit Enterprise Site ID.'),
    messageId: z
      .string('expected a message ID')
      .regex(/^[\x21-\x7e]{1,32}$/, 'expected a message ID: 1 to 32 characters of ASCII without space')
      .default('DICOM+RFC3881')
      .describe('MSGID of the syslog header; some repositories ask for IHE+RFC-3881.'),
    facility: whole('a number from 0 to 23', 0, 23).default(10).describe('Syslog facility; 10: authpriv.'),
    severity: whole('a number from 0 to 7', 0, 7).default(5).describe('Syslog severity; 5: notice.'),
    timeout: timer.prefault('10s').describe('A connection, or a write, that takes longer is given up and tried again.'),
    tls: z
      .strictObject({
        certificateFile: file.describe("limpid's certificate for the repository; absent: the node's."),
        keyFile: file.describe('Its private key.'),
        caFile: file.describe("Who signs the repository's certificate; absent: as for the node."),
        serverName: text('a name')
          .nullable()
          .default(null)
          .describe('Name that its certificate must hold; absent: host.'),
      })
      .prefault({})
      .describe('Certificates, where the repository is called over TLS.'),
  })
  .transform(({ timeout, ...rest }) => ({ ...rest, timeoutMs: timeout }))
  .nullable()
  .default(null)
  .describe("Audit trail (ATNA): who sent, got, read and made which patient's instances. null: none is kept.");
