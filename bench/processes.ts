// Programs of a bench: started with plain node, timed from start to end, and what they had of memory and files.
import { spawn } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** A module of this folder as a program. */
export const programOf = (name: string): string => fileURLToPath(new URL(`./${name}.js`, import.meta.url));

async function statusOf(pid: number, what: 'VmHWM' | 'VmRSS'): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return (Number(new RegExp(`^${what}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024) / 1e6;
}

/** Peak resident memory of a process, MB (10^6). */
export const peakOf = (pid: number): Promise<number> => statusOf(pid, 'VmHWM');
/** Resident memory of a process now, MB. */
export const residentOf = (pid: number): Promise<number> => statusOf(pid, 'VmRSS');
/** Open files and sockets of a process. */
export const descriptorsOf = async (pid: number): Promise<number> => (await readdir(`/proc/${pid}/fd`)).length;

/** Seconds that programs need, all started at once, from start to the end of the last. */
export async function secondsOf(commands: readonly (readonly [program: string, ...args: string[]])[]): Promise<number> {
  const start = performance.now();
  await Promise.all(commands.map((command) => runToEnd(command)));
  return (performance.now() - start) / 1000;
}

async function runToEnd([program, ...args]: readonly [string, ...string[]]): Promise<void> {
  const env = { ...process.env, TCP_NODELAY: '1' };
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'], env });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
  if (code !== 0) throw new Error(`${program} ended with ${code}`);
}

/** A program that says its port on its first line and runs until `stop`. */
export async function startProgram(
  name: string,
  args: readonly string[],
): Promise<{ port: number; stop(): Promise<void> }> {
  const child = spawn(process.execPath, [programOf(name), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout.once('data', (line: Buffer) => resolve(Number(line.toString())));
    child.once('error', reject).once('exit', () => reject(new Error(`${name} ended`)));
  });
  return {
    port,
    stop: () => {
      child.kill('SIGTERM');
      return ended;
    },
  };
}
