/** Whether a network's file is what its card says. The graph runs in a process of its own: it may never end, or take that with it. */
import { fork } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { within } from '../deadline.js';
import { LimpidError } from '../errors.js';
import type { ModelCard } from './card.js';
import { modelSha256 } from './identity.js';
import { neighbourFaults } from './neighbour-faults.js';
import { noiseFaults } from './noise-faults.js';
import { placeFaults } from './place-faults.js';
import { probeFaults, shapeFaults } from './probe.js';
import { openSession } from './session.js';
import { tileFaults } from './tile-faults.js';

/** What the process is asked. */
export interface NetworkToVerify {
  readonly card: Pick<ModelCard, 'task' | 'sha256' | 'input' | 'limits' | 'probe'>;
  /** Its model.onnx. */
  readonly file: string;
  readonly provider: string;
}

/** The largest shipped network takes a second. */
const verifyMs = 120_000;

/**
 * Verifies a network, two minutes at most; nothing of the process is left after it.
 *
 * @param deadlineMs for tests
 * @returns faults in words; none: the file is what its card says
 */
export async function verifyNetwork(asked: NetworkToVerify, deadlineMs = verifyMs): Promise<readonly string[]> {
  const child = fork(fileURLToPath(new URL('./verify-process.js', import.meta.url)), [], {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: [],
  });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve()); // it was not started
  });
  const faults = new Promise<readonly string[]>((resolve, reject) => {
    child.once('message', (answer: readonly string[]) => resolve(answer));
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      resolve([`the process that ran the graph ended without an answer (${signal ?? `exit ${code}`})`]),
    );
    child.send(asked, (error) => error && reject(error));
  });
  try {
    return await within(deadlineMs, faults, () => [
      `the graph gave no answer within ${deadlineMs / 1000} s: it may never end`,
    ]);
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
}

/** The same in this thread, which each run of the graph blocks. */
export async function networkFaults({ card, file, provider }: NetworkToVerify): Promise<readonly string[]> {
  if (card.input === null || card.probe === null) return ['the card has no input or probe'];
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : error;
    return [`model.onnx cannot be read: ${String(code)}`];
  }
  const found = modelSha256(bytes);
  if (found !== card.sha256) return [`SHA-256 of model.onnx is ${found}, the card says ${card.sha256}`];
  try {
    return await graphFaults(bytes, { ...card, input: card.input, probe: card.probe }, provider);
  } catch (error) {
    if (error instanceof LimpidError) return [error.message];
    throw error;
  }
}

type CardOfGraph = Pick<ModelCard, 'task' | 'limits'> & {
  readonly [part in 'input' | 'probe']: NonNullable<ModelCard[part]>;
};

async function graphFaults(
  bytes: Uint8Array,
  { task, input, probe, limits }: CardOfGraph,
  provider: string,
): Promise<readonly string[]> {
  const session = await openSession(bytes, provider);
  try {
    const faults = [...namesFaults('inputs', session.inputNames, input.input)];
    faults.push(...namesFaults('outputs', session.outputNames, input.output));
    if (faults.length === 0) faults.push(...(await shapeFaults(session, input)));
    if (faults.length === 0) faults.push(...(await tileFaults(session, input)));
    if (faults.length === 0) faults.push(...(await probeFaults(session, input, probe)));
    if (faults.length === 0) faults.push(...(await placeFaults(session, input)));
    if (faults.length === 0) faults.push(...(await neighbourFaults(session, input)));
    if (faults.length === 0 && task === 'denoise') faults.push(...(await noiseFaults(session, input, limits)));
    return faults;
  } finally {
    await session.close();
  }
}

function namesFaults(what: 'inputs' | 'outputs', names: readonly string[], wanted: string): readonly string[] {
  return names.length === 1 && names[0] === wanted
    ? []
    : [`graph ${what} are ${names.join(', ')}, the card says ${wanted} alone`];
}
