/**
 * Real peers for tests, from Debian's packages: DCMTK, Orthanc, Redis, Prometheus. Each is started by the test that needs
 * it, on a free loopback port and in a temporary folder, and stopped by its own handle.
 *
 * storescp and Orthanc's DICOM port cannot be bound to loopback; Orthanc is told to serve known modalities of 127.0.0.1 only.
 * All run with TCP_NODELAY=1: without it a DCMTK responder takes 40 ms for each answer (Nagle meets delayed ACK).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, readdirSync } from 'node:fs';
import { chown, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './free-port.js';

/** Packages: dcmtk, libgdcm-tools, orthanc, redis-server, postgresql, prometheus, systemd, chromium, rsyslog with rsyslog-gnutls, libxml2-utils. */
export type PeerBinary =
  | 'storescu'
  | 'storescp'
  | 'dcmsend'
  | 'echoscu'
  | 'dcmdump'
  | 'dcmcjpeg'
  | 'dcmdrle'
  | 'dcmcrle'
  | 'dcmcjpls'
  | 'dcmconv'
  | 'gdcmconv'
  | 'dciodvfy'
  | 'Orthanc'
  | 'redis-server'
  | 'initdb'
  | 'postgres'
  | 'prometheus'
  | 'promtool'
  | 'systemd-analyze'
  | 'chromium'
  | 'rsyslogd'
  | 'xmllint';

/** Debian keeps each version of Postgres in a folder of its own, which is in nobody's path. */
function postgresFolders(): string[] {
  const folder = '/usr/lib/postgresql';
  try {
    return readdirSync(folder).map((version) => join(folder, version, 'bin'));
  } catch {
    return []; // not installed
  }
}

/** The full path of a peer's program, or null where it is not installed. */
export function findPeer(binary: PeerBinary): string | null {
  const own = (process.env['PATH'] ?? '').split(delimiter);
  const folders = [...own, '/usr/sbin', '/usr/local/sbin', ...postgresFolders()];
  for (const folder of folders) {
    const path = join(folder, binary);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      continue; // not in this folder
    }
  }
  return null;
}

interface Running {
  readonly child: ChildProcess;
  /** The last 64 KiB of what it wrote. */
  readonly output: () => string;
  stop(): Promise<void>;
}

const environment = () => ({ ...process.env, TCP_NODELAY: '1' });

function start(binary: PeerBinary, args: readonly string[], cwd: string, user: { uid?: number } = {}): Running {
  const path = findPeer(binary);
  if (path === null) throw new Error(`${binary} is not installed`);
  const child = spawn(path, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], env: environment(), ...user });
  let written = '';
  const keep = (chunk: Buffer) => {
    written = (written + chunk.toString('latin1')).slice(-65536);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const killAtExit = () => void child.kill('SIGKILL');
  process.once('exit', killAtExit);
  return {
    child,
    output: () => written,
    stop: async () => {
      process.removeListener('exit', killAtExit);
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM');
        const patience = setTimeout(() => child.kill('SIGKILL'), 5000);
        await ended;
        clearTimeout(patience);
      }
    },
  };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** Whether somebody has a port of UDP on loopback: the kernel's table has addresses in hexadecimal, in the machine's byte order. */
async function isBound(port: number): Promise<boolean> {
  const loopback = ` 0100007F:${port.toString(16).toUpperCase().padStart(4, '0')} `;
  return (await readFile('/proc/net/udp', 'latin1')).includes(loopback);
}

async function whenReady(name: string, running: Running, isReady: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 1200; attempt++) {
    if (running.child.exitCode !== null) break;
    if (await isReady()) return;
    await delay(50);
  }
  await running.stop();
  throw new Error(`${name} did not start:\n${running.output().slice(-2000)}`);
}

const temporaryFolder = (name: string) => mkdtemp(join(tmpdir(), `limpid-${name}-`));

async function stopAndClear(running: Running, folder: string): Promise<void> {
  await running.stop();
  await rm(folder, { recursive: true, force: true });
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(2000) })).ok;
  } catch {
    return false; // not listening yet
  }
}

export interface ToolResult {
  readonly code: number | null;
  /** Standard output and standard error as they came. */
  readonly output: string;
}

/** Runs a client (storescu, dcmsend, echoscu, promtool ...) to its end, beside whatever this process serves. */
export async function runTool(binary: PeerBinary, args: readonly string[], timeoutMs = 240_000): Promise<ToolResult> {
  const running = start(binary, args, tmpdir());
  const patience = setTimeout(() => running.child.kill('SIGKILL'), timeoutMs);
  // 'close', not 'exit': only then everything it wrote has been read
  const code = await new Promise<number | null>((resolve) => running.child.once('close', resolve));
  clearTimeout(patience);
  await running.stop();
  return { code, output: running.output() };
}

/** How a peer reaches a DICOM node on loopback. */
export interface DicomAddress {
  readonly aeTitle: string;
  readonly port: number;
  /** Over TLS; absent: plain. */
  readonly tls?: boolean;
}

export interface OrthancPeer {
  readonly aeTitle: string;
  readonly dicomPort: number;
  /** Base of its REST interface, without a slash at the end. */
  readonly url: string;
  /** Where its files are. */
  readonly folder: string;
  readonly output: () => string;
  stop(): Promise<void>;
}

export interface OrthancOptions {
  readonly aeTitle?: string;
  /** The same again, to come back after a stop. */
  readonly dicomPort?: number;
  /** Nodes that may store here and that it may send to, by Orthanc's name for them. */
  readonly modalities: Readonly<Record<string, DicomAddress>>;
  /** Further settings of its configuration file; they win over the ones made here. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

export async function startOrthanc(options: OrthancOptions): Promise<OrthancPeer> {
  const aeTitle = options.aeTitle ?? 'ORTHANC';
  const folder = await temporaryFolder('orthanc');
  const dicomPort = options.dicomPort ?? (await freePort());
  const httpPort = await freePort();
  const modalities = Object.entries(options.modalities).map(([name, node]) => [
    name,
    { AET: node.aeTitle, Host: '127.0.0.1', Port: node.port, AllowTranscoding: false, UseDicomTls: node.tls === true },
  ]);
  const configuration = {
    Name: 'test',
    StorageDirectory: join(folder, 'storage'),
    IndexDirectory: join(folder, 'index'),
    HttpPort: httpPort,
    RemoteAccessAllowed: false,
    AuthenticationEnabled: false,
    DicomAet: aeTitle,
    DicomPort: dicomPort,
    DicomCheckCalledAet: true,
    DicomAlwaysAllowEcho: false,
    DicomAlwaysAllowStore: false,
    DicomCheckModalityHost: true,
    DicomModalities: Object.fromEntries(modalities),
    UnknownSopClassAccepted: true,
    OverwriteInstances: true,
    SyncStorageArea: false,
    StableAge: 1,
    JobsHistorySize: 100,
    Plugins: [],
    ...options.settings,
  };
  const file = join(folder, 'orthanc.json');
  await writeFile(file, JSON.stringify(configuration));
  const running = start('Orthanc', [file], folder);
  const url = `http://127.0.0.1:${httpPort}`;
  await whenReady('Orthanc', running, async () => (await answers(`${url}/system`)) && (await accepts(dicomPort)));
  return { aeTitle, dicomPort, url, folder, output: running.output, stop: () => stopAndClear(running, folder) };
}

export interface StoreScpPeer {
  readonly aeTitle: string;
  readonly port: number;
  readonly directory: string;
  /** Full paths of what it has stored, sorted. */
  files(): Promise<string[]>;
  readonly output: () => string;
  stop(): Promise<void>;
}

export interface StoreScpOptions {
  /** `bit-preserving`: +B, the data set's bytes as received; `decoded`: DCMTK reads and writes it anew. */
  readonly writes?: 'bit-preserving' | 'decoded';
  /** Further options, `--fork` or `-xs` say; see `storescp --help`. */
  readonly args?: readonly string[];
  /** The same again, to come back after a stop. */
  readonly port?: number;
}

/** A storage SCP of DCMTK that takes every syntax and class. It knows no AE title of its own. */
export async function startStoreScp(options: StoreScpOptions = {}): Promise<StoreScpPeer> {
  const directory = await temporaryFolder('storescp');
  const port = options.port ?? (await freePort());
  const writes = options.writes === 'decoded' ? [] : ['+B'];
  const args = ['-od', directory, '+xa', '-pm', ...writes, '--max-pdu', '131072', ...(options.args ?? []), `${port}`];
  const running = start('storescp', args, directory);
  await whenReady('storescp', running, () => accepts(port));
  return {
    aeTitle: 'STORESCP',
    port,
    directory,
    files: async () => (await readdir(directory)).sort().map((name) => join(directory, name)),
    output: running.output,
    stop: () => stopAndClear(running, directory),
  };
}

export interface SyslogPeer {
  readonly port: number;
  /** Every message that it has got, whole. */
  messages(): Promise<string[]>;
  stop(): Promise<void>;
}

export interface SyslogOptions {
  readonly transport: 'tls' | 'tcp' | 'udp';
  /** Of tls: its own certificate, and who signs those that it is shown. */
  readonly tls?: { readonly certificateFile: string; readonly keyFile: string; readonly caFile: string };
  /** The same again, to come back after a stop. */
  readonly port?: number;
}

/** rsyslog as an audit repository's collector: writes each message down as it came. */
export async function startSyslog({ transport, tls, port: wanted }: SyslogOptions): Promise<SyslogPeer> {
  const folder = await temporaryFolder('syslog');
  const port = wanted ?? (await freePort());
  const file = join(folder, 'messages');
  const driver = 'streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="x509/certvalid"';
  const lines = [
    `global(workDirectory="${folder}" maxMessageSize="64k" parser.escapeControlCharactersOnReceive="off"`,
    ...(tls === undefined
      ? []
      : [
          `defaultNetstreamDriverCAFile="${tls.caFile}" defaultNetstreamDriverCertFile="${tls.certificateFile}" defaultNetstreamDriverKeyFile="${tls.keyFile}"`,
        ]),
    ')',
    transport === 'udp' ? 'module(load="imudp")' : `module(load="imtcp" ${tls === undefined ? '' : driver})`,
    `input(type="${transport === 'udp' ? 'imudp' : 'imtcp'}" address="127.0.0.1" port="${port}")`,
    'template(name="raw" type="string" string="%rawmsg%\n\n")',
    `action(type="omfile" file="${file}" template="raw" asyncWriting="off")`,
  ];
  await writeFile(join(folder, 'rsyslog.conf'), `${lines.join('\n')}\n`);
  const running = start('rsyslogd', ['-n', '-i', 'NONE', '-f', join(folder, 'rsyslog.conf')], folder);
  // Nobody answers on a port of UDP.
  const listens = () => (transport === 'udp' ? isBound(port) : accepts(port));
  await whenReady('rsyslogd', running, listens);
  return {
    port,
    messages: async () => {
      const written = await readFile(file, 'utf8').catch(() => '');
      return written.split('\n\n').filter((message) => message.startsWith('<') && message.includes('AuditMessage'));
    },
    stop: () => stopAndClear(running, folder),
  };
}

export interface RedisPeer {
  readonly port: number;
  readonly url: string;
  stop(): Promise<void>;
}

/** A Redis without persistence: what it held is gone when it stops. `port`: the same again, to come back as an emptied store. */
export async function startRedis(options: { port?: number; args?: readonly string[] } = {}): Promise<RedisPeer> {
  const folder = await temporaryFolder('redis');
  const port = options.port ?? (await freePort());
  const args = ['--bind', '127.0.0.1', '--port', `${port}`, '--save', '', '--appendonly', 'no', '--dir', folder];
  const running = start('redis-server', [...args, ...(options.args ?? [])], folder);
  await whenReady('redis-server', running, () => accepts(port));
  return { port, url: `redis://127.0.0.1:${port}`, stop: () => stopAndClear(running, folder) };
}

export interface PostgresPeer {
  readonly port: number;
  readonly url: string;
  /** Ends the server at once, as a crash does; `start` has it come back with what it had. */
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Postgres refuses to be root's: it is run as nobody then. */
const nobody = 65_534;

export async function startPostgres(): Promise<PostgresPeer> {
  const folder = await temporaryFolder('postgres');
  const user = process.getuid?.() === 0 ? { uid: nobody } : {};
  if (user.uid !== undefined) await chown(folder, user.uid, user.uid);
  const data = join(folder, 'data');
  const made = start(
    'initdb',
    ['-D', data, '-U', 'limpid', '-A', 'trust', '-N', '-E', 'UTF8', '--locale=C'],
    folder,
    user,
  );
  const code = await new Promise<number | null>((resolve) => made.child.once('close', resolve));
  if (code !== 0) throw new Error(`initdb ended with ${code}:\n${made.output().slice(-2000)}`);
  const port = await freePort();
  const fast = ['-c', 'fsync=off', '-c', 'full_page_writes=off']; // the machine stays up: what is committed outlives the server
  const args = ['-D', data, '-p', `${port}`, '-c', 'listen_addresses=127.0.0.1', '-k', folder, ...fast];
  const run = async (): Promise<Running> => {
    const started = start('postgres', args, folder, user);
    await whenReady('postgres', started, async () => started.output().includes('ready to accept connections'));
    return started;
  };
  let running = await run();
  return {
    port,
    url: `postgres://limpid@127.0.0.1:${port}/postgres`,
    async kill() {
      const ended = new Promise((resolve) => running.child.once('exit', resolve));
      running.child.kill('SIGQUIT'); // immediate shutdown: without it its other processes would stay
      await ended;
    },
    async start() {
      running = await run();
    },
    stop: () => stopAndClear(running, folder),
  };
}

export interface PrometheusPeer {
  readonly port: number;
  readonly url: string;
  readonly output: () => string;
  stop(): Promise<void>;
}

export interface PrometheusOptions {
  /** Text of prometheus.yml. Rule files are found by their names, as it runs in the folder that holds them. */
  readonly config: string;
  /** Texts of further files beside it, by name. */
  readonly files?: Readonly<Record<string, string>>;
}

export async function startPrometheus(options: PrometheusOptions): Promise<PrometheusPeer> {
  const folder = await temporaryFolder('prometheus');
  const port = await freePort();
  await writeFile(join(folder, 'prometheus.yml'), options.config);
  for (const [name, text] of Object.entries(options.files ?? {})) await writeFile(join(folder, name), text);
  const url = `http://127.0.0.1:${port}`;
  const running = start(
    'prometheus',
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    folder,
  );
  await whenReady('prometheus', running, () => answers(`${url}/-/ready`));
  return { port, url, output: running.output, stop: () => stopAndClear(running, folder) };
}
