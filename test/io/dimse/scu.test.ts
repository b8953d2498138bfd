// limpid as SCU: against its own SCP, and against scripted peers that refuse, abort, go silent or answer wrongly.
import { getEventListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { appendFile, mkdtemp, readdir, rm, truncate, writeFile, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeFileMeta } from '../../../src/dicom/part10.js';
import type { Limits } from '../../../src/io/dimse/limits.js';
import { answerRequest } from '../../../src/io/dimse/negotiate.js';
import { readOutgoing } from '../../../src/io/dimse/outgoing.js';
import { encodeAbort, encodeReject } from '../../../src/io/dimse/pdu.js';
import { CommandField } from '../../../src/io/dimse/constants.js';
import { type ScuTarget, openRequestor } from '../../../src/io/dimse/requestor.js';
import { echo, send } from '../../../src/io/dimse/scu.js';
import type { Conversion, SendOptions } from '../../../src/io/dimse/send-options.js';
import { ctClass, explicitLittle, implicitLittle, mrClass } from '../../support/dimse-bytes.js';
import { freePort } from '../../support/free-port.js';
import { type TestFileValues, type TestFiles, writeTestFiles } from '../../support/part10-files.js';
import { type ScriptedScp, type ScriptedScpOptions, openScriptedScp } from '../../support/scripted-scp.js';
import { openTestScp, silentLog } from '../../support/test-scp.js';

const targetAt = (port: number, limits: Partial<Limits> = {}): ScuTarget => ({
  aeTitle: 'LIMPID',
  host: '127.0.0.1',
  port,
  callingAe: 'SENDER',
  limits,
});
const jpeg2000 = '1.2.840.10008.1.2.4.90';
const uids = (count: number) => Array.from({ length: count }, (_, index) => `1.2.3.${index + 1}`);
const some = (count: number, pixelBytes = 40_000) =>
  uids(count).map((sopInstanceUid) => ({ sopInstanceUid, pixelBytes }));

const toClose: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of toClose.splice(0)) await close();
});
const files = async (values: readonly TestFileValues[]): Promise<TestFiles> => {
  const written = await writeTestFiles(values);
  toClose.push(written.remove);
  return written;
};
/** Conversions to the two native syntaxes whose data sets a test makes up; `left`: their files that nobody has taken away. */
const standIns = async (
  dataSetIn: (syntax: string) => Buffer,
): Promise<{ conversion: Conversion; left: () => Promise<number> }> => {
  const folder = await mkdtemp(join(tmpdir(), 'limpid-stand-ins-'));
  toClose.push(() => rm(folder, { recursive: true, force: true }));
  let made = 0;
  return {
    conversion: {
      syntaxes: ({ transferSyntaxUid }) => [...new Set([transferSyntaxUid, explicitLittle, implicitLittle])],
      convert: async ({ sopClassUid, sopInstanceUid }, transferSyntaxUid) => {
        const bytes = dataSetIn(transferSyntaxUid);
        const file = join(folder, `${made++}.dcm`);
        await writeFile(
          file,
          Buffer.concat([writeFileMeta({ sopClassUid, sopInstanceUid, transferSyntaxUid }), bytes]),
        );
        return { file, discard: () => rm(file) };
      },
    },
    left: async () => (await readdir(folder)).length,
  };
};
const peer = async (options: ScriptedScpOptions): Promise<ScriptedScp> => {
  const scp = await openScriptedScp(options);
  toClose.push(() => scp.close());
  return scp;
};
const options = (changes: Partial<SendOptions> = {}): SendOptions => ({ associations: 1, log: silentLog, ...changes });
const reject = (result: number, source: number, reason: number): ScriptedScpOptions => ({
  associate: (_request, socket) => {
    socket.end(encodeReject({ result, source, reason }));
    return null;
  },
});

describe('a data set of odd length', () => {
  const uid = '1.2.3.1';
  /** (FFFC,FFFC) Data Set Trailing Padding, OB, of three bytes. */
  const oddElement = Buffer.from('fcfffcff4f4200000300000000000000', 'hex').subarray(0, 15);

  it('goes out with a byte behind it, for no fragment has an odd length', async () => {
    const { instances, bytes } = await files([{ sopInstanceUid: uid }]);
    for (const { file } of instances) await appendFile(file, oddElement);
    const got: Buffer[] = [];
    const node = await openScriptedScp({
      message: ({ dataSet, respond }) => {
        got.push(Buffer.from(dataSet));
        respond();
      },
    });
    toClose.push(() => node.close());
    expect((await send(targetAt(node.port), instances, options())).outcomes).toMatchObject([{ class: 'delivered' }]);
    expect(got).toEqual([Buffer.concat([bytes(uid), oddElement, Buffer.of(0)])]);

    const { scp, store } = await openTestScp();
    toClose.push(() => scp.close());
    expect((await send(targetAt(scp.port), instances, options())).outcomes).toMatchObject([{ class: 'delivered' }]);
    expect(store.objects.map((object) => object.bytes)).toEqual(got);
  });

  it('that was cut is not completed by that byte', async () => {
    const { instances } = await files([{ sopInstanceUid: uid }]);
    const [instance] = instances;
    if (instance === undefined) throw new Error('no file');
    await truncate(instance.file, (await stat(instance.file)).size - 1);
    const { scp, store } = await openTestScp();
    toClose.push(() => scp.close());
    const { outcomes } = await send(targetAt(scp.port), [await readOutgoing(instance.file)], options());
    expect(outcomes).toMatchObject([{ class: 'permanent', comment: expect.stringContaining('not whole') }]);
    expect(store.objects).toEqual([]);
  });
});

describe('to limpid’s own SCP', () => {
  it.each([
    [1, 0],
    [4, 0],
    [1, 4096],
    [2, 8],
  ])('%d associations, a peer that receives %d bytes: every byte arrives', async (associations, maximumLength) => {
    const limits = maximumLength === 0 ? {} : { maximumLength };
    const { scp, store } = await openTestScp({ limits: { ...limits, associateBytes: 1 << 18 } });
    toClose.push(() => scp.close());
    // 8: a P-DATA-TF for every two bytes
    const written = await files(some(9, maximumLength === 8 ? 500 : 1_300_000));
    const told: string[] = [];
    const report = await send(targetAt(scp.port), written.instances, {
      ...options({ associations }),
      onOutcome: ({ sopInstanceUid }) => void told.push(sopInstanceUid),
    });
    expect(report.association).toBeNull();
    expect(report.outcomes.map((outcome) => outcome.class)).toEqual(Array.from({ length: 9 }, () => 'delivered'));
    expect(told.toSorted()).toEqual(uids(9));
    expect(store.objects).toHaveLength(9);
    for (const { facts, bytes } of store.objects) expect(bytes.equals(written.bytes(facts.sopInstanceUid))).toBe(true);
    const used = new Set(store.objects.map(({ request }) => request.association.id)).size;
    expect(used).toBeLessThanOrEqual(associations);
    expect(used > 1).toBe(associations > 1);
  });
  it('C-ECHO', async () => {
    const { scp } = await openTestScp();
    toClose.push(() => scp.close());
    const { status, ms, negotiated } = await echo(targetAt(scp.port), { log: silentLog });
    expect(status).toBe(0);
    expect(ms).toBeGreaterThan(0);
    expect(negotiated.contexts.map(({ result }) => result)).toEqual([0]);
    expect(negotiated.implementationVersionName).toMatch(/^LIMPID_/);
  });
  it('more than 128 contexts go over several associations', async () => {
    const { scp, store } = await openTestScp();
    toClose.push(() => scp.close());
    const values = Array.from({ length: 130 }, (_, index) => ({
      sopInstanceUid: `1.2.3.${index + 1}`,
      sopClassUid: `${ctClass}.999.${index + 1}`,
      pixelBytes: 2,
    }));
    const report = await send(targetAt(scp.port), (await files(values)).instances, options());
    expect(report.outcomes.every((outcome) => outcome.class === 'delivered')).toBe(true);
    expect(store.objects).toHaveLength(130);
    expect(store.ended.length).toBeGreaterThanOrEqual(1);
  });
  it.each(['', `1.2.${'3'.repeat(80)}`])(
    'a SOP class that is no UID (%j) keeps no other instance back',
    async (wrong) => {
      const { scp, store } = await openTestScp();
      toClose.push(() => scp.close());
      const [first, ...others] = (await files(some(3))).instances;
      if (first === undefined) throw new Error('no instance');
      const report = await send(targetAt(scp.port), [{ ...first, sopClassUid: wrong }, ...others], options());
      expect(report.association).toBeNull();
      expect(report.outcomes.map((outcome) => outcome.class)).toEqual(['permanent', 'delivered', 'delivered']);
      expect(report.outcomes[0]).toMatchObject({ tried: true, status: null });
      expect(store.objects).toHaveLength(2);
    },
  );
  it('nothing to send is no association', async () => {
    const report = await send(targetAt(await freePort()), [], options());
    expect(report).toEqual({ association: null, negotiated: null, outcomes: [] });
  });
});

describe('what the peer answers', () => {
  it.each<[number, string]>([
    [0x0000, 'delivered'],
    [0x0111, 'delivered'],
    [0xb000, 'warned'],
    [0xb007, 'warned'],
    [0xa700, 'transient'],
    [0xa900, 'permanent'],
    [0xc123, 'permanent'],
    [0x0110, 'transient'],
    [0x0122, 'permanent'],
    [0xfe00, 'transient'],
    [0x0999, 'transient'],
  ])('status %d is %s, with the comment of the peer', async (status, expected) => {
    const scp = await peer({ message: ({ respond }) => respond({ status, errorComment: 'because\u0007' }) });
    const report = await send(targetAt(scp.port), (await files(some(2))).instances, options());
    expect(report.association).toBeNull();
    expect(report.outcomes).toEqual(
      uids(2).map((sopInstanceUid) => ({ sopInstanceUid, class: expected, status, comment: 'because', tried: true })),
    );
  });
  it('one refused instance does not keep the others back', async () => {
    const scp = await peer({ message: ({ request, respond }) => respond({ status: request === 2 ? 0xc000 : 0 }) });
    const report = await send(targetAt(scp.port), (await files(some(4))).instances, options());
    expect(report.outcomes.map((outcome) => outcome.class)).toEqual([
      'delivered',
      'permanent',
      'delivered',
      'delivered',
    ]);
  });
  it.each([0x0118, 0x0122])(
    'status %d: the rest of the class is not tried in vain, other classes are',
    async (status) => {
      const asked: string[] = [];
      const scp = await peer({
        message: ({ command, respond }) => {
          asked.push(command.affectedSopClassUid ?? '');
          respond({ status: command.affectedSopClassUid === ctClass ? status : 0 });
        },
      });
      const values = [...some(20), { sopInstanceUid: '1.2.9', sopClassUid: mrClass }];
      const report = await send(targetAt(scp.port), (await files(values)).instances, options());
      expect(report.association).toBeNull();
      const { outcomes } = report;
      expect(
        outcomes.slice(0, 20).every((one) => one.class === 'permanent' && one.status === status && one.tried),
      ).toBe(true);
      expect(outcomes[20]).toMatchObject({ class: 'delivered', status: 0 });
      expect(asked.filter((uid) => uid === mrClass)).toHaveLength(1);
      // One that was read ahead of the answer goes out too.
      expect(asked.filter((uid) => uid === ctClass).length).toBeLessThanOrEqual(2);
    },
  );

  it('what was compressed with loss, by a peer that does not take it: why it does not go decompressed is told', async () => {
    const scp = await peer({
      associate: (request) => {
        const answer = answerRequest(request, 16_384);
        return { ...answer, contexts: answer.contexts.map((context) => ({ ...context, result: 4 })) };
      },
    });
    const [lossy, lossless, video] = ['4.50', '4.70', '4.102'].map((end) => `1.2.840.10008.1.2.${end}`);
    const values = [lossy, lossless, video].map((uid = '', index) => ({
      sopInstanceUid: `1.2.3.${index}`,
      transferSyntaxUid: uid,
    }));
    const report = await send(targetAt(scp.port), (await files(values)).instances, options());
    const other = 'not sent: the peer accepts no transfer syntax it can be sent in';
    expect(report.outcomes.map(({ comment }) => comment)).toEqual([
      expect.stringMatching(/^not sent: the peer does not take JPEG Baseline.*; .* decompressLossy: true of the peer$/),
      other,
      other,
    ]);
  });

  it('a SOP class or a syntax that the peer does not accept', async () => {
    const scp = await peer({
      associate: (request) => {
        const answer = answerRequest(request, 16_384);
        return {
          ...answer,
          contexts: answer.contexts.map((context, index) => ({ ...context, result: [3, 4, 1, 0][index] ?? 0 })),
        };
      },
    });
    const values = [
      { sopInstanceUid: '1.2.3.1', sopClassUid: mrClass },
      { sopInstanceUid: '1.2.3.2', transferSyntaxUid: '1.2.840.10008.1.2.4.70' },
      { sopInstanceUid: '1.2.3.3', sopClassUid: `${ctClass}.1` },
      { sopInstanceUid: '1.2.3.4' },
    ];
    const report = await send(targetAt(scp.port), (await files(values)).instances, options());
    const byUid = Object.fromEntries(report.outcomes.map((outcome) => [outcome.sopInstanceUid, outcome]));
    expect(byUid['1.2.3.1']).toMatchObject({ class: 'permanent', status: null });
    expect(byUid['1.2.3.2']).toMatchObject({ class: 'permanent', status: null });
    expect(byUid['1.2.3.3']).toMatchObject({ class: 'transient', status: null });
    expect(byUid['1.2.3.4']).toMatchObject({ class: 'delivered', status: 0 });
    expect(report.association).toBeNull();
  });
  it.each([
    ['its own syntax is none the peer knows, the others are refused for now', [4, 1, 2], 'transient'],
    ['the class is refused in its own syntax, and another syntax for now', [3, 4, 2], 'transient'],
    ['none is accepted, for good', [4, 3, 4], 'permanent'],
  ])('%s', async (_case, results, outcome) => {
    const scp = await peer({
      associate: (request) => {
        const answer = answerRequest(request, 16_384);
        const contexts = answer.contexts.map((context, index) => ({ ...context, result: results[index] ?? 4 }));
        return { ...answer, contexts };
      },
    });
    const { instances } = await files([{ sopInstanceUid: '1.2.3.1', transferSyntaxUid: jpeg2000 }]);
    const { conversion } = await standIns((syntax) => Buffer.from(`as ${syntax}`));
    const { outcomes } = await send(targetAt(scp.port), instances, options({ conversion }));
    expect(outcomes).toMatchObject([{ class: outcome, status: null }]);
  });
  it('only Implicit VR: converted where a converter is given, else permanent', async () => {
    const got: string[] = [];
    const scp = await peer({
      associate: (request) => {
        const answer = answerRequest(request, 16_384);
        const results = request.contexts.map(({ transferSyntaxUids }) =>
          transferSyntaxUids[0] === implicitLittle ? 0 : 4,
        );
        return {
          ...answer,
          contexts: answer.contexts.map((context, index) => ({ ...context, result: results[index] ?? 4 })),
        };
      },
      message: ({ dataSet, respond }) => {
        got.push(dataSet.toString());
        respond();
      },
    });
    const { instances } = await files(some(2));
    const { conversion, left } = await standIns((syntax) => Buffer.from(`as ${syntax}`));
    const converted = await send(targetAt(scp.port), instances, options({ conversion }));
    expect(await left()).toBe(0);
    expect(converted.outcomes.map((outcome) => outcome.class)).toEqual(['delivered', 'delivered']);
    expect(got).toEqual([`as ${implicitLittle}`, `as ${implicitLittle}`]);
    const verbatim = await send(targetAt(scp.port), instances, options());
    expect(verbatim.outcomes.map((outcome) => outcome.class)).toEqual(['permanent', 'permanent']);
  });
  it('what it cannot understand goes out once more in the other VR coding', async () => {
    const seen: string[] = [];
    const scp = await peer({
      message: ({ contextId, dataSet, respond }) => {
        seen.push(`${contextId} ${dataSet.length}`);
        respond({ status: contextId === 1 ? 0xc000 : 0 });
      },
    });
    const { instances, bytes } = await files(some(2));
    const { conversion, left } = await standIns(() => Buffer.from('converted!'));
    const report = await send(targetAt(scp.port), instances, options({ conversion }));
    expect(await left()).toBe(0);
    expect(report.outcomes.map((outcome) => [outcome.class, outcome.status])).toEqual([
      ['delivered', 0],
      ['delivered', 0],
    ]);
    const whole = bytes('1.2.3.1').length;
    expect(seen).toEqual([`1 ${whole}`, '3 10', `1 ${whole}`, '3 10']);
    const spoilt = await send(
      targetAt(scp.port),
      instances,
      options({ conversion: { ...conversion, convert: () => Promise.reject(new Error('no')) } }),
    );
    expect(spoilt.outcomes.map((outcome) => [outcome.class, outcome.status])).toEqual([
      ['permanent', 0xc000],
      ['permanent', 0xc000],
    ]);
  });
  it.each([
    ['Explicit', 1, 'delivered'],
    ['Implicit', 2, 'delivered'],
    ['neither', 3, 'permanent'],
  ] as const)(
    'what it cannot understand compressed goes out once in each VR coding: it knows %s',
    async (_, taken, becomes) => {
      const got: string[] = [];
      const scp = await peer({
        message: ({ dataSet, respond }) => {
          got.push(dataSet.toString('latin1').slice(0, 30));
          respond({ status: got.length > taken ? 0 : 0xc000 });
        },
      });
      const { instances } = await files([{ sopInstanceUid: '1.2.3.1', transferSyntaxUid: jpeg2000 }]);
      const { conversion, left } = await standIns((syntax) => Buffer.from(`as ${syntax}`));
      const report = await send(targetAt(scp.port), instances, options({ conversion }));
      expect(await left()).toBe(0);
      expect(report.outcomes.map((outcome) => outcome.class)).toEqual([becomes]);
      expect(got.slice(1)).toEqual([`as ${explicitLittle}`, `as ${implicitLittle}`].slice(0, taken));
    },
  );
  it('its own syntax is preferred to a conversion', async () => {
    const { scp, store } = await openTestScp();
    toClose.push(() => scp.close());
    const { conversion } = await standIns(() => {
      throw new Error('not needed');
    });
    const report = await send(targetAt(scp.port), (await files(some(1))).instances, options({ conversion }));
    expect(report.outcomes.map((outcome) => outcome.class)).toEqual(['delivered']);
    expect(store.objects[0]?.request.transferSyntaxUid).toBe(explicitLittle);
    expect(report.negotiated?.contexts).toHaveLength(2);
  });
});

describe('associations that fail', () => {
  it.each<[number, number, number, string]>([
    [1, 1, 1, 'permanent'],
    [1, 1, 2, 'permanent'],
    [1, 2, 2, 'permanent'],
    [1, 1, 3, 'transient'],
    [1, 1, 7, 'transient'],
    [2, 1, 1, 'transient'],
    [1, 3, 2, 'transient'],
    [2, 3, 1, 'transient'],
  ])('A-ASSOCIATE-RJ %d/%d/%d is %s', async (result, source, reason, expected) => {
    const scp = await peer(reject(result, source, reason));
    const report = await send(targetAt(scp.port), (await files(some(2))).instances, options({ associations: 2 }));
    expect(report.association).toMatchObject({ code: 'DIMSE_REJECTED', class: expected });
    expect(report.association?.detail).toContain(`${result}/${source}/${reason}`);
    expect(report.outcomes.map((outcome) => [outcome.class, outcome.status])).toEqual([
      [expected, null],
      [expected, null],
    ]);
    await expect(echo(targetAt(scp.port), { log: silentLog })).rejects.toMatchObject({ code: 'DIMSE_REJECTED' });
  });
  it('a refused association is one event: no instance counts as tried, and nobody knocks a second time', async () => {
    let refusals = 0;
    const scp = await peer({
      associate: (_request, socket) => {
        refusals++;
        socket.end(encodeReject({ result: 2, source: 3, reason: 2 }));
        return null;
      },
    });
    const values = Array.from({ length: 300 }, (_, index) => ({
      sopInstanceUid: `1.2.3.${index + 1}`,
      sopClassUid: `${ctClass}.999.${index + 1}`,
      pixelBytes: 2,
    }));
    const report = await send(targetAt(scp.port), (await files(values)).instances, options());
    expect(refusals).toBe(1);
    expect(report.association).toMatchObject({ phase: 'connecting', rejection: { result: 2, source: 3, reason: 2 } });
    expect(report.outcomes).toHaveLength(300);
    expect(report.outcomes.some(({ tried }) => tried)).toBe(false);
  });
  it('a pace that lets no more out leaves the rest untried, and closes the association well', async () => {
    const { scp, store } = await openTestScp();
    toClose.push(() => scp.close());
    let turns = 0;
    const pace = () => Promise.resolve(++turns <= 3);
    const report = await send(targetAt(scp.port), (await files(some(5))).instances, options({ pace }));
    expect(report.association).toBeNull();
    expect(report.outcomes.map(({ tried }) => tried)).toEqual([true, true, true, false, false]);
    expect(store.objects).toHaveLength(3);
    expect(store.ended.map(({ how }) => how)).toEqual(['released']);
  });
  it('every association is told of once, however it ends', async () => {
    const told: string[] = [];
    const watch = {
      accepted: () => void told.push('accepted'),
      ended: (how: string, wasAccepted: boolean) => void told.push(`${how} ${wasAccepted}`),
    };
    const scp = await peer({});
    const { instances } = await files(some(2));
    await send({ ...targetAt(scp.port), watch }, instances, options());
    const refusing = await peer(reject(1, 1, 7));
    await send({ ...targetAt(refusing.port), watch }, instances, options());
    await send({ ...targetAt(await freePort()), watch }, instances, options());
    expect(told).toEqual(['accepted', 'released true', 'rejected false', 'lost false']);
  });
  it('nobody listens', async () => {
    const port = await freePort();
    const report = await send(targetAt(port), (await files(some(2))).instances, options());
    expect(report.association).toMatchObject({ code: 'DIMSE_CONNECT', class: 'transient' });
    expect(report.association?.detail).toBe(`no connection to 127.0.0.1:${port}: nothing listens there (ECONNREFUSED)`);
    expect(report.outcomes).toHaveLength(2);
    await expect(echo(targetAt(port), { log: silentLog })).rejects.toMatchObject({ code: 'DIMSE_CONNECT' });
  });
  it('no answer to the request', async () => {
    const scp = await peer({ associate: () => null });
    const report = await send(targetAt(scp.port, { artimMs: 100 }), (await files(some(1))).instances, options());
    expect(report.association).toMatchObject({ code: 'DIMSE_TIMEOUT', class: 'transient' });
  });
  it('no answer to a C-STORE', async () => {
    const scp = await peer({ message: () => {} });
    const report = await send(targetAt(scp.port, { responseMs: 100 }), (await files(some(3))).instances, options());
    expect(report.association).toMatchObject({ code: 'DIMSE_TIMEOUT', class: 'transient' });
    expect(report.outcomes.map((outcome) => [outcome.class, outcome.status])).toEqual(
      uids(3).map(() => ['transient', null]),
    );
    expect(scp.associations()).toBe(1);
  });
  it('a peer that stops reading', async () => {
    const scp = await peer({ command: ({ socket }) => void socket.pause() });
    const written = await files(some(1, 30_000_000));
    const report = await send(targetAt(scp.port, { responseMs: 200 }), written.instances, options());
    expect(report.association).toMatchObject({ code: 'DIMSE_CONNECT', class: 'transient' });
    expect(report.association?.detail).toContain('takes no data');
  });
  it('a peer behind a slow line, which takes a window after the other with long pauses, gets everything', async () => {
    const isPaused: boolean[] = [];
    const scp = await peer({
      command: ({ socket }) => {
        // nothing is taken for far longer than an answer's reader may stall
        socket.pause();
        isPaused.push(true);
        setTimeout(() => socket.resume(), 600);
      },
    });
    const written = await files(some(1, 30_000_000));
    const report = await send(targetAt(scp.port, { stallMs: 100 }), written.instances, options());
    expect(isPaused).toEqual([true]);
    expect(report.outcomes.map((outcome) => outcome.class)).toEqual(['delivered']);
  });
  it('a peer that answers, slowly, is waited for', async () => {
    const scp = await peer({ message: (exchange) => void setTimeout(() => exchange.respond(), 400) });
    const target = targetAt(scp.port, { stallMs: 100, idleMs: 100, artimMs: 100, pduMs: 100 });
    const report = await send(target, (await files(some(1))).instances, options());
    expect(report.outcomes.map((outcome) => outcome.class)).toEqual(['delivered']);
  });
  it('a maximum length without room is refused', async () => {
    const scp = await peer({ associate: (request) => answerRequest(request, 6) });
    const report = await send(targetAt(scp.port), (await files(some(1))).instances, options());
    expect(report.association).toMatchObject({ code: 'DIMSE_PROTOCOL', class: 'transient' });
  });
  it.each(['A-ABORT', 'reset'] as const)(
    '%s in the middle: what was answered stays delivered, the rest goes over another',
    async (way) => {
      const scp = await peer({
        message: ({ association, request, socket, respond }) => {
          if (association !== 1 || request !== 3) respond();
          else if (way === 'reset') socket.resetAndDestroy();
          else socket.end(encodeAbort({ source: 0, reason: 0 }));
        },
      });
      const report = await send(targetAt(scp.port), (await files(some(5))).instances, options());
      expect(report.outcomes.map((outcome) => outcome.class)).toEqual([
        'delivered',
        'delivered',
        'transient',
        'delivered',
        'delivered',
      ]);
      expect(report.association?.code).toBe(way === 'reset' ? 'DIMSE_CONNECT' : 'DIMSE_ABORTED');
      expect(scp.associations()).toBe(2);
    },
  );
  it('a peer that aborts everything is left alone after three', async () => {
    const scp = await peer({ command: ({ socket }) => void socket.end(encodeAbort({ source: 2, reason: 0 })) });
    const report = await send(targetAt(scp.port), (await files(some(6))).instances, options());
    expect(scp.associations()).toBe(3);
    expect(report.outcomes.map((outcome) => outcome.class)).toEqual(uids(6).map(() => 'transient'));
    expect(report.outcomes.filter(({ comment }) => comment.startsWith('not sent'))).toHaveLength(3);
  });
  it.each<[string, ScriptedScpOptions]>([
    ['to another request', { message: ({ respond }) => respond({ respondedTo: 999 }) }],
    ['of another kind', { message: ({ respond }) => respond({ field: 0x8030 }) }],
    ['twice', { message: ({ respond }) => (respond(), respond()) }],
    ['that is a request', { message: ({ respond }) => respond({ field: 0x0001, messageId: 1 }) }],
  ])('a response %s ends the association', async (name, script) => {
    const scp = await peer(script);
    const report = await send(targetAt(scp.port), (await files(some(1))).instances, options());
    // of one that is answered twice the first answer counts, if the second does not come with it
    if (name === 'twice' && report.association === null) expect(report.outcomes[0]?.class).toBe('delivered');
    else {
      expect(report.association).toMatchObject({ code: 'DIMSE_PROTOCOL', class: 'transient' });
      expect(report.outcomes).toMatchObject([{ class: 'transient', status: null }]);
    }
  });
  it.each([
    [0x0000, 'DIMSE_PROTOCOL', null],
    [0xb000, 'DIMSE_PROTOCOL', null],
    [0xa700, null, 0xa700],
    [0x0111, null, 0x0111],
  ])(
    'a response of %d before it has the data set: a failure is believed, a success is not',
    async (status, code, told) => {
      const scp = await peer({ command: ({ respond }) => respond({ status }), message: () => {} });
      const report = await send(targetAt(scp.port), (await files(some(1, 60_000_000))).instances, options());
      expect(report.association?.code ?? null).toBe(code);
      expect(report.outcomes).toMatchObject([{ class: told === 0x0111 ? 'delivered' : 'transient', status: told }]);
    },
  );
  it('a success is believed once the last byte has been given away, though the socket has not said yet that it has left', async () => {
    const scp = await peer({});
    const proposed = [{ id: 1, abstractSyntaxUid: ctClass, transferSyntaxUids: [explicitLittle] }];
    const request = {
      field: CommandField.Store,
      affectedSopClassUid: ctClass,
      affectedSopInstanceUid: '1.2.3',
      priority: 0,
    };
    const left = async (isWritten: () => void, says: boolean): Promise<void> => {
      await requestor.writeData(1, new Uint8Array(100_000), says ? isWritten : () => {});
      await delay(300); // the peer answers meanwhile
    };
    let requestor = await openRequestor(targetAt(scp.port), proposed, undefined);
    expect((await requestor.call(1, request, (isWritten) => left(isWritten, true))).status).toBe(0);
    await requestor.release();
    requestor = await openRequestor(targetAt(scp.port), proposed, undefined);
    await expect(requestor.call(1, request, (isWritten) => left(isWritten, false))).rejects.toMatchObject({
      code: 'DIMSE_PROTOCOL',
    });
  });
  it('leaves nothing at the caller’s signal, which outlives thousands of associations', async () => {
    const { signal } = new AbortController();
    const scp = await peer({});
    const written = await files(some(4));
    await send(targetAt(scp.port), written.instances, options({ signal, associations: 2 }));
    const deadline = performance.now() + 5000;
    while (getEventListeners(signal, 'abort').length > 0 && performance.now() < deadline) await delay(10);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
  it('the caller’s signal stops it, with an outcome for each', async () => {
    const controller = new AbortController();
    const scp = await peer({
      message: ({ request, respond }) => {
        if (request < 3) respond();
        else controller.abort();
      },
    });
    const report = await send(
      targetAt(scp.port),
      (await files(some(6))).instances,
      options({ signal: controller.signal }),
    );
    expect(report.outcomes.map((outcome) => outcome.class)).toEqual([
      'delivered',
      'delivered',
      ...Array.from({ length: 4 }, () => 'transient'),
    ]);
    expect(scp.associations()).toBe(1);
    expect(report.association).toMatchObject({ code: 'DIMSE_ABORTED', class: 'transient' });
    const late = await send(
      targetAt(scp.port),
      (await files(some(2))).instances,
      options({ signal: controller.signal }),
    );
    expect(late.outcomes.map((outcome) => outcome.class)).toEqual(['transient', 'transient']);
    expect(scp.associations()).toBe(1);
  });
  it('a release that is never answered takes nothing back', async () => {
    const scp = await peer({ release: () => {} });
    const report = await send(targetAt(scp.port, { artimMs: 100 }), (await files(some(1))).instances, options());
    expect(report.outcomes.map((outcome) => outcome.class)).toEqual(['delivered']);
    expect(report.association).toBeNull();
  });
});

describe('files', () => {
  it('one that is missing, or no DICOM, or gets shorter, keeps no other back', async () => {
    const { scp, store } = await openTestScp();
    toClose.push(() => scp.close());
    const { instances } = await files(some(5, 2_000_000));
    const [, missing, foreign, cut] = instances;
    if (!missing || !foreign || !cut) throw new Error('no files');
    await writeFile(foreign.file, 'not DICOM');
    const gone = instances.map((instance) =>
      instance === missing ? { ...instance, file: `${instance.file}.gone` } : instance,
    );
    const sending = send(targetAt(scp.port), gone, {
      ...options(),
      // while the third is being sent the fourth is cut: its size has been read, its end is missing
      onOutcome: ({ sopInstanceUid }) => void (sopInstanceUid === '1.2.3.3' && truncate(cut.file, 900_000)),
    });
    const report = await sending;
    const byUid = Object.fromEntries(report.outcomes.map((outcome) => [outcome.sopInstanceUid, outcome.class]));
    expect(byUid).toMatchObject({
      '1.2.3.1': 'delivered',
      '1.2.3.2': 'transient',
      '1.2.3.3': 'permanent',
      '1.2.3.5': 'delivered',
    });
    expect(['transient', 'permanent']).toContain(byUid['1.2.3.4']);
    await delay(20);
    expect(store.objects.map(({ facts }) => facts.sopInstanceUid)).toEqual(['1.2.3.1', '1.2.3.5']);
    expect(store.open()).toBe(0);
  });
  it('readOutgoing takes the identity from the data set', async () => {
    const { instances } = await files([{ sopInstanceUid: '1.2.3.1', sopClassUid: mrClass }]);
    const [instance] = instances;
    if (!instance) throw new Error('no file');
    const { place, ...who } = await readOutgoing(instance.file);
    expect(who).toEqual(instance);
    expect((place?.offset ?? 0) + (place?.bytes ?? 0)).toBe((await stat(instance.file)).size);
    await writeFile(instance.file, 'not DICOM');
    await expect(readOutgoing(instance.file)).rejects.toMatchObject({ code: 'DICOM_NOT_DICOM' });
  });
});
