// A limpid node as a process of its own, started with plain node as an operator would: the demo, process tests and benches drive it.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../src/main.js', import.meta.url));

export interface NodeUnderTest {
  readonly pid: number;
  readonly dicomPort: number;
  /** 0: it has no TLS listener. */
  readonly tlsPort: number;
  readonly httpPort: number;
  readonly spool: string;
  /** Text of the log so far. */
  log(): string;
  /** Sends a signal and waits for the end. @returns exit status, or the signal's name */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | string>;
}

export interface NodeOptions {
  /** Folder with `limpid.yaml` and, unless the configuration says otherwise, `data/`. */
  readonly folder: string;
  readonly config: object;
  readonly roles?: string;
  /** File name of the configuration, for several processes in one folder. */
  readonly name?: string;
  readonly execArgv?: readonly string[];
}

/** A configuration with short periods, on loopback and free ports. */
export function quickConfig(change: Record<string, unknown>): Record<string, unknown> {
  return {
    node: { aeTitle: 'LIMPID', dimse: { host: '127.0.0.1', port: 0 }, http: { host: '127.0.0.1', port: 0 } },
    spool: { directory: './data', low: '100MB', critical: '50MB' },
    // Longer than a sender of a busy machine pauses; after an association with several instances `released` counts.
    assemble: { quiet: '3s', released: '300ms', gaps: '4s', longest: '60s' },
    log: { level: 'info' },
    ...change,
  };
}

/** Starts a process and waits for its ready line. */
export async function startNode(options: NodeOptions): Promise<NodeUnderTest> {
  const name = options.name ?? 'limpid.yaml';
  await mkdir(options.folder, { recursive: true });
  // JSON is YAML: the configuration of a test is an object.
  await writeFile(join(options.folder, name), JSON.stringify(options.config, null, 1));
  const args = [...(options.execArgv ?? []), main, 'serve', '--config', join(options.folder, name)];
  if (options.roles !== undefined) args.push('--roles', options.roles);
  const env = { UV_THREADPOOL_SIZE: '16', MALLOC_ARENA_MAX: '2', ...process.env }; // as the program's first line and the unit have it
  const child = spawn(process.execPath, args, { cwd: options.folder, stdio: ['ignore', 'pipe', 'pipe'], env });
  let out = '';
  let log = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
  const ended = new Promise<number | string>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? code ?? -1));
  });
  const deadline = Date.now() + 90_000;
  let ready: RegExpExecArray | null = null;
  while (ready === null) {
    ready = /ready.*$/m.exec(out);
    if (ready !== null) break;
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > deadline) {
      child.kill('SIGKILL');
      throw new Error(
        `limpid did not get ready (${child.exitCode ?? child.signalCode ?? 'time-out'}): ${out}${log.slice(-3000)}`,
      );
    }
    await sleep(25);
  }
  const line = ready[0];
  return {
    pid: child.pid ?? 0,
    dicomPort: Number(/DICOM \S+:(\d+)/.exec(line)?.[1] ?? 0),
    tlsPort: Number(/DICOM-TLS \S+:(\d+)/.exec(line)?.[1] ?? 0),
    httpPort: Number(/HTTP http:\/\/\S+?:(\d+)/.exec(line)?.[1] ?? 0),
    spool: join(options.folder, 'data'),
    log: () => log,
    end: (signal) => endOf(child, ended, signal),
  };
}

async function endOf(
  child: ChildProcess,
  ended: Promise<number | string>,
  signal: 'SIGTERM' | 'SIGKILL',
): Promise<number | string> {
  child.kill(signal);
  const late = setTimeout(() => child.kill('SIGKILL'), 45_000);
  const how = await ended;
  clearTimeout(late);
  return how;
}

/** Waits until `holds` gives a value; fails with `what` after the time. */
export async function eventually<T>(
  what: string,
  holds: () => Promise<T | null | false | undefined>,
  withinMs = 120_000,
): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const value = await holds();
    if (value !== null && value !== false && value !== undefined) return value;
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await sleep(50);
  }
}
