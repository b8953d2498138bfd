// The program as an operator calls it: a child of plain node.
import { execFile, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The program. */
export const main = fileURLToPath(new URL('../../src/main.js', import.meta.url));

export interface Ran {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** Runs `limpid ARGS` to its end, two minutes at most. */
export const limpid = (...args: readonly string[]): Promise<Ran> => limpidIn({}, ...args);

/** The same with variables beside those of this process. */
export function limpidIn(variables: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    const options = { timeout: 300_000, maxBuffer: 1 << 26, env: { ...process.env, ...variables } };
    const child = execFile(process.execPath, [main, ...args], options, (_, out, err) => {
      resolve({ status: child.exitCode ?? -1, out, err });
    });
  });
}

/** Runs `limpid ARGS` for a reader who reads nothing of it and closes at once, as `| head` may; standard error is read. */
export function limpidUnread(...args: readonly string[]): Promise<Omit<Ran, 'out'>> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [main, ...args], { timeout: 300_000, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    const said: string[] = [];
    child.stderr.setEncoding('utf8').on('data', (text: string) => said.push(text));
    child.once('close', (status) => resolve({ status: status ?? -1, err: said.join('') }));
  });
}
