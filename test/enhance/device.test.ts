// Deaths of a task's child: the parent tells them apart, and starts another child.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openDevice } from '../../src/enhance/device.js';
import type { Device, DeviceOptions } from '../../src/enhance/device.js';
import type { TaskOrder } from '../../src/enhance/order.js';
import { openLog } from '../../src/observe/log.js';
import { openMetrics } from '../../src/observe/metrics.js';
import { identityModel, writeIdentityModel } from '../support/identity-model.js';
import type { spoiltModels } from '../support/identity-model.js';
import { writeSyntheticSeries } from '../support/synthetic-series.js';
import type { SyntheticSeries } from '../support/synthetic-series.js';
import { modelsDirectory, orderFor, taskModule } from '../support/task-order.js';

let folder = '';
let long: SyntheticSeries;
let short: SyntheticSeries;
let count = 0;
const devices: Device[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'limpid-device-'));
  const options = { modality: 'CT', rows: 128, columns: 128, noise: 25, seed: 8 } as const;
  long = await writeSyntheticSeries(join(folder, 'long'), { ...options, slices: 60 });
  short = await writeSyntheticSeries(join(folder, 'short'), { ...options, slices: 2 });
});
afterAll(async () => {
  await Promise.all(devices.map((device) => device.close()));
  await rm(folder, { recursive: true });
});

function open(change: Partial<DeviceOptions> = {}): Device {
  const options = { taskModule, providers: ['cpu'], threads: 1, deadlineMs: 60_000, memoryBytes: 2 ** 32 };
  const device = openDevice({ ...options, log: openLog('silent'), metrics: openMetrics(), ...change });
  devices.push(device);
  return device;
}
const order = (series: SyntheticSeries, model = 'nlm'): Promise<TaskOrder> =>
  orderFor(series, { model, strength: 0.4, outDir: join(folder, `out${count++}`) });

/** Runs the long series until a few slices are done, then does something to the device. */
async function interrupted(device: Device, act: (pid: number) => void, signal?: AbortSignal): Promise<unknown> {
  let acted = false;
  const running = device.run(await order(long), {
    ...(signal ? { signal } : {}),
    onProgress: () => {
      if (acted || device.pid === null) return;
      acted = true;
      act(device.pid);
    },
  });
  return running.then(
    () => 'ended',
    (error: unknown) => error,
  );
}

/** Whether a process is there. */
function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('a task', () => {
  it('does not mind half a card of a model that it is not for', async () => {
    const own = join(folder, 'own');
    await mkdir(join(own, 'site'), { recursive: true });
    await writeFile(join(own, 'site', 'model.yaml'), 'id: site\nintendedUse: {');
    const { outcome } = await open().run({ ...(await order(short, 'gaussian')), ownModelsDirectory: own });
    expect(outcome).toMatchObject({ outcome: 'enhanced' });
  });

  it.each<[keyof typeof spoiltModels, string, RegExp]>([
    ['fixed sides', 'MODEL_FAILED', /does not take an input of \[2, 2, 64, 64\]: Got invalid dimensions/],
    ['no numbers', 'MODEL_FAILED', /answers \d+ x \d+ with values that are no number/],
    ['all memory', 'ENHANCE_MEMORY', /ConstantOfShape.*Failed to allocate memory/],
  ])('whose network fails within it says so, and the child lives on: %s', async (spoilt, code, message) => {
    const models = join(folder, spoilt);
    await writeIdentityModel(models, { spoilt });
    const device = open();
    const options = { model: identityModel, strength: 0.4, outDir: join(folder, `out${count++}`), models };
    const failing = device.run(await orderFor(short, options));
    await expect(failing).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    const { pid } = device;
    expect((await device.run(await order(short))).outcome.outcome).toBe('enhanced');
    expect(device.pid).toBe(pid);
  });

  it('is done by the numbers of its card, also where the one before it was done by others of the same model', async () => {
    const models = join(folder, 'renumbered');
    await cp(join(modelsDirectory, 'gaussian'), join(models, 'gaussian'), { recursive: true });
    const pixels = async (device: Device): Promise<Uint8Array> => {
      const outDir = join(folder, `out${count++}`);
      await device.run(await orderFor(short, { model: 'gaussian', strength: 0.4, outDir, models }));
      return (await readFile(join(outDir, 'objects', '00001.dcm'))).subarray(-128 * 128 * 2);
    };
    const device = open();
    const first = await pixels(device);
    const card = join(models, 'gaussian', 'model.yaml');
    await writeFile(card, (await readFile(card, 'utf8')).replace('{ sigma: 1.2 }', '{ sigma: 2 }'));
    const second = await pixels(device);
    expect(Buffer.compare(second, first)).not.toBe(0);
    expect(Buffer.compare(second, await pixels(open()))).toBe(0);
  });

  it('whose own card is half, or gone, says so', async () => {
    const models = join(folder, 'models');
    await mkdir(join(models, 'gaussian'), { recursive: true });
    await writeFile(join(models, 'gaussian', 'model.yaml'), 'id: gaussian\nintendedUse: {');
    const device = open();
    const asked = await order(short, 'gaussian');
    const half = device.run({ ...asked, modelsDirectory: models });
    await expect(half).rejects.toMatchObject({ code: 'MODEL_INVALID' });
    const gone = device.run({ ...asked, modelsDirectory: join(folder, 'nowhere') });
    await expect(gone).rejects.toMatchObject({ code: 'MODEL_UNKNOWN' });
  });
});

it('on a finer grid has no figures of before and after: there is nothing to compare', async () => {
  const metrics = openMetrics();
  const { outcome } = await open({ metrics }).run(await order(short, 'bicubic'));
  expect(outcome).toMatchObject({
    outcome: 'enhanced',
    figures: {
      noiseRatio: { measured: false, before: null, after: null },
      edgeRatio: { measured: false, before: null, after: null },
    },
  });
  expect(await metrics.text()).not.toMatch(/quality_edge_ratio_count\{.*\} [1-9]/);
});

describe('a child', () => {
  it('that is killed is told, and the next task has another', async () => {
    const device = open();
    let killed = 0;
    const error = await interrupted(device, (pid) => {
      killed = pid;
      process.kill(pid, 'SIGKILL');
    });
    expect(error).toMatchObject({ code: 'ENHANCE_CHILD_DIED', message: expect.stringContaining('SIGKILL') });
    const { outcome } = await device.run(await order(short));
    expect(outcome.outcome).toBe('enhanced');
    expect(device.pid).not.toBe(killed);
  });

  it.each(['SIGHUP', 'SIGINT'] as const)('works on where a terminal tells its whole group %s', async (signal) => {
    const device = open();
    expect(await interrupted(device, (pid) => void process.kill(pid, signal))).toBe('ended');
  });

  it('that works longer than its deadline is killed', async () => {
    const device = open({ deadlineMs: 300 });
    await expect(device.run(await order(long))).rejects.toMatchObject({ code: 'ENHANCE_DEADLINE' });
    expect(device.pid).toBeNull();
  });

  it('that finds no provider in time is killed, though it says nothing', async () => {
    const mute = join(folder, 'mute.mjs');
    await writeFile(mute, 'setInterval(() => process.send({ kind: "memory", bytes: 1 }), 1000);');
    const device = open({ taskModule: pathToFileURL(mute), startDeadlineMs: 500 });
    await expect(device.run(await order(short))).rejects.toMatchObject({
      code: 'PROVIDER_UNAVAILABLE',
      message: 'the child found no execution provider (cpu) within 0.5 s',
    });
    expect(device.pid).toBeNull();
  });

  it('that finds no provider is followed by another, which may: a driver may be back', async () => {
    const back = join(folder, 'back');
    const choosing = join(folder, 'choosing.mjs');
    await writeFile(
      choosing,
      `import { existsSync } from 'node:fs';
       const none = { kind: 'fault', code: 'PROVIDER_UNAVAILABLE', message: 'none' };
       const opened = existsSync(${JSON.stringify(back)}) ? { kind: 'ready', provider: 'gpu' } : none;
       process.on('message', ({ kind }) => process.send(kind === 'open' ? opened : { kind: 'report', report: {} }));`,
    );
    const device = open({ taskModule: pathToFileURL(choosing) });
    for (const task of [await order(short), await order(short)]) {
      await expect(device.run(task)).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
    }
    await writeFile(back, '');
    expect(await device.run(await order(short))).toEqual({});
    expect(device.provider).toBe('gpu');
  });

  it('that takes too much memory is killed', async () => {
    const device = open({ memoryBytes: 60e6 });
    await expect(device.run(await order(long))).rejects.toMatchObject({ code: 'ENHANCE_MEMORY' });
    expect(device.pid).toBeNull();
  });

  it('is killed at a drain, and no task starts after it', async () => {
    const device = open();
    const drain = new AbortController();
    const error = await interrupted(device, () => drain.abort(), drain.signal);
    expect(error).toMatchObject({ code: 'ENHANCE_DRAINED' });
    await expect(device.run(await order(short), { signal: drain.signal })).rejects.toMatchObject({
      code: 'ENHANCE_DRAINED',
    });
  });

  it('is given no task when the drain comes while it starts', async () => {
    const device = open();
    const drain = new AbortController();
    const running = device.run(await order(long), { signal: drain.signal });
    running.catch(() => undefined); // awaited below
    while (device.pid === null) await pause(1);
    drain.abort();
    await expect(running).rejects.toMatchObject({ code: 'ENHANCE_DRAINED' });
  });

  it('ends within a task when its device is closed, and with it', async () => {
    const device = open();
    let pid = 0;
    let closed: Promise<void> = Promise.resolve();
    const error = await interrupted(device, (child) => {
      pid = child;
      closed = device.close();
    });
    await closed;
    expect(error).toMatchObject({ code: 'ENHANCE_DRAINED' });
    expect(lives(pid)).toBe(false);
  });

  it('works on one task after the other', async () => {
    const device = open();
    const [a, b] = await Promise.all([device.run(await order(short)), device.run(await order(short, 'gaussian'))]);
    expect([a.outcome.outcome, b.outcome.outcome]).toEqual(['enhanced', 'enhanced']);
  });
});

it('ends at once when its parent is gone', async () => {
  const file = join(folder, 'order.json');
  await writeFile(file, JSON.stringify(await order(long)));
  // A parent that starts the task, says its child's id at the first slice, and is killed.
  const code = `
    import { readFileSync } from 'node:fs';
    import { openDevice } from ${JSON.stringify(new URL('../../src/enhance/device.js', import.meta.url))};
    import { openLog } from ${JSON.stringify(new URL('../../src/observe/log.js', import.meta.url))};
    import { openMetrics } from ${JSON.stringify(new URL('../../src/observe/metrics.js', import.meta.url))};
    const device = openDevice({ taskModule: new URL(${JSON.stringify(taskModule)}), providers: ['cpu'], threads: 1,
      deadlineMs: 60000, memoryBytes: 2 ** 32, log: openLog('silent'), metrics: openMetrics() });
    await device.run(JSON.parse(readFileSync(${JSON.stringify(file)}, 'utf8')), { onProgress: () => console.log(device.pid) });`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'ignore'] });
  const child = Number.parseInt(String((await once(parent.stdout, 'data'))[0]), 10);
  expect(lives(child)).toBe(true);
  parent.kill('SIGKILL');
  const end = performance.now() + 30_000;
  while (lives(child) && performance.now() < end) await pause(20);
  expect(lives(child)).toBe(false);
});

it('that cannot be started is told, the next task has another, and closing its device ends', async () => {
  const file = join(folder, 'later.json');
  await writeFile(file, JSON.stringify(await order(short)));
  // In a process of its own: what a child is started from is the whole process's, and not jest's copy of it.
  const code = `
    import { readFileSync } from 'node:fs';
    import { openDevice } from ${JSON.stringify(new URL('../../src/enhance/device.js', import.meta.url))};
    import { openLog } from ${JSON.stringify(new URL('../../src/observe/log.js', import.meta.url))};
    import { openMetrics } from ${JSON.stringify(new URL('../../src/observe/metrics.js', import.meta.url))};
    const device = openDevice({ taskModule: new URL(${JSON.stringify(taskModule)}), providers: ['cpu'], threads: 1,
      deadlineMs: 60000, memoryBytes: 2 ** 32, log: openLog('silent'), metrics: openMetrics() });
    const node = process.execPath;
    process.execPath = '/nowhere/node';
    await device.run({}).catch((error) => console.log(error.constructor.name, error.code, device.pid));
    process.execPath = node;
    const { outcome } = await device.run(JSON.parse(readFileSync(${JSON.stringify(file)}, 'utf8')));
    console.log(outcome.outcome);
    process.execPath = '/nowhere/node';
    process.kill(device.pid, 'SIGKILL');
    await device.run({}).catch((error) => console.log(error.code));
    await device.run({}).catch((error) => console.log(error.code, device.pid));
    await device.close();
    console.log('closed');`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'ignore'] });
  const told = await text(parent.stdout);
  expect(told.split('\n')).toEqual([
    'ChildNotStarted ENHANCE_CHILD_DIED null',
    'enhanced',
    'ENHANCE_CHILD_DIED',
    'ENHANCE_CHILD_DIED null',
    'closed',
    '',
  ]);
});

it('ends at once when its parent was gone before it could listen', async () => {
  const code = `
    import { fork } from 'node:child_process';
    const child = fork(${JSON.stringify(fileURLToPath(taskModule))}, [], { stdio: 'ignore', serialization: 'advanced', execArgv: [] });
    process.stdout.write(String(child.pid), () => process.kill(process.pid, 'SIGKILL'));`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'ignore'] });
  const child = Number.parseInt(String((await once(parent.stdout, 'data'))[0]), 10);
  const end = performance.now() + 60_000;
  while (lives(child) && performance.now() < end) await pause(20);
  const lived = lives(child);
  if (lived) process.kill(child, 'SIGKILL');
  expect(lived).toBe(false);
});

describe('an order', () => {
  it('for a model that is not here is refused, and the child lives on', async () => {
    const device = open();
    const wrong = await order(short);
    const strange = { ...wrong, task: { ...wrong.task, model: { ...wrong.task.model, version: '9.9.9' } } };
    await expect(device.run(strange)).rejects.toMatchObject({ code: 'MODEL_UNKNOWN' });
    const { pid } = device;
    expect((await device.run(await order(short))).outcome.outcome).toBe('enhanced');
    expect(device.pid).toBe(pid);
  });
  it('without a provider that works is refused', async () => {
    await expect(open({ providers: ['no-such-provider'] }).run(await order(short))).rejects.toMatchObject({
      code: 'PROVIDER_UNAVAILABLE',
    });
  });
});
