import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  bodyOf,
  decodeAssociateAccept,
  decodeAssociateRequest,
  encodeAssociateAccept,
  encodeAssociateRequest,
} from '../../../src/io/dimse/associate-pdu.js';
import { type Command, decodeCommand, encodeCommand } from '../../../src/io/dimse/command.js';
import { type PduHandler, PduParser } from '../../../src/io/dimse/pdu-parser.js';
import {
  type PduType,
  ProtocolFault,
  decodeAbort,
  decodeReject,
  encodeAbort,
  encodeData,
  encodePdu,
  encodeReject,
  valueRoom,
} from '../../../src/io/dimse/pdu.js';
import { data, pdv } from '../../support/dimse-bytes.js';
import { processorMs } from '../../support/processor-time.js';

const uid = fc.stringMatching(/^[1-9]\d{0,3}(\.[1-9]\d{0,5}){1,9}$/);
const aeTitle = fc.stringMatching(/^[A-Z0-9_]([A-Z0-9_ ]{0,14}[A-Z0-9_])?$/);
const byte = fc.nat(255);
const short = fc.nat(0xffff);
const ids = (count: number) => Array.from({ length: count }, (_, index) => 2 * index + 1);
const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((value) => Buffer.from(value));
const version = fc.stringMatching(/^[A-Z0-9_]{0,16}$/);

const common = {
  protocolVersion: fc.constant(1),
  calledAe: aeTitle,
  callingAe: aeTitle,
  applicationContext: uid,
  maximumLength: fc.nat(0xffffffff),
  implementationClassUid: uid,
  implementationVersionName: version,
  asyncWindow: fc.option(fc.record({ invoked: short, performed: short })),
  roles: fc.array(fc.record({ sopClassUid: uid, scu: byte, scp: byte }), { maxLength: 4 }),
  extended: fc.array(fc.record({ sopClassUid: uid, information: bytes(20) }), { maxLength: 3 }),
};
const request = fc.record({
  ...common,
  contexts: fc
    .array(fc.record({ abstractSyntaxUid: uid, transferSyntaxUids: fc.array(uid, { minLength: 1, maxLength: 5 }) }), {
      maxLength: 128,
    })
    .map((contexts) => contexts.map((context, index) => ({ id: ids(128)[index] ?? 1, ...context }))),
  common: fc.array(fc.record({ sopClassUid: uid, serviceClassUid: uid }), { maxLength: 3 }),
  identity: fc.option(
    fc.record({ type: byte, positiveResponse: fc.boolean(), primary: bytes(30), secondary: bytes(30) }),
  ),
});
const accept = fc.record({
  ...common,
  contexts: fc
    .array(fc.record({ result: fc.nat(4), transferSyntaxUid: uid }), { maxLength: 128 })
    .map((contexts) => contexts.map((context, index) => ({ id: ids(128)[index] ?? 1, ...context }))),
  identityAnswered: fc.boolean(),
});

describe('A-ASSOCIATE', () => {
  it('a request comes back as it was', () => {
    fc.assert(
      fc.property(request, (value) => {
        expect(decodeAssociateRequest(bodyOf(encodeAssociateRequest(value)), 64)).toEqual(value);
      }),
    );
  });
  it('an answer comes back as it was', () => {
    fc.assert(
      fc.property(accept, (value) => {
        expect(decodeAssociateAccept(bodyOf(encodeAssociateAccept(value)))).toEqual(value);
      }),
    );
  });
  it('arbitrary bytes are read, or refused with a code', () => {
    // a right request with some bytes changed gets further than bytes at random
    const spoilt = fc
      .tuple(request, fc.array(fc.tuple(fc.nat(400), byte), { maxLength: 8 }))
      .map(([value, changes]) => {
        const body = Buffer.from(bodyOf(encodeAssociateRequest(value)));
        for (const [offset, changed] of changes) if (offset < body.length) body[offset] = changed;
        return body;
      });
    fc.assert(
      fc.property(fc.oneof(bytes(300), spoilt), (body) => {
        for (const decode of [(b: Buffer) => decodeAssociateRequest(b, 64), decodeAssociateAccept]) {
          try {
            decode(body);
          } catch (error) {
            if (!(error instanceof ProtocolFault)) throw error;
            expect([error.source, error.reason]).toEqual([2, 6]);
          }
        }
      }),
      { numRuns: 500 },
    );
  });
  it('a syntax of 64 KB of blanks is read at once: whoever reads it serves all other peers too', () => {
    const [value] = fc.sample(request, 1);
    if (!value) throw new Error('no sample');
    const blanks = `1.2${' '.repeat(65_000)}x`;
    const body = bodyOf(
      encodeAssociateRequest({
        ...value,
        contexts: [{ id: 1, abstractSyntaxUid: '1.2', transferSyntaxUids: [blanks] }],
      }),
    );
    const started = processorMs();
    expect(decodeAssociateRequest(body, 64).contexts[0]?.transferSyntaxUids).toEqual([blanks]);
    expect(processorMs() - started).toBeLessThan(1000);
  });
  it('transfer syntaxes beyond the limit are passed over', () => {
    const transferSyntaxUids = Array.from({ length: 70 }, (_, index) => `1.2.${index + 1}`);
    const [value] = fc.sample(request, 1);
    if (!value) throw new Error('no sample');
    const context = { id: 1, abstractSyntaxUid: '1.2', transferSyntaxUids };
    const body = bodyOf(encodeAssociateRequest({ ...value, contexts: [context] }));
    expect(decodeAssociateRequest(body, 64).contexts[0]?.transferSyntaxUids).toHaveLength(64);
  });
});

describe('small PDUs', () => {
  it('codes come back as they were', () => {
    fc.assert(
      fc.property(byte, byte, byte, (result, source, reason) => {
        expect(decodeReject(bodyOf(encodeReject({ result, source, reason })))).toEqual({ result, source, reason });
        expect(decodeAbort(bodyOf(encodeAbort({ source, reason })))).toEqual({ source, reason });
      }),
    );
  });
  it('the room in a PDV is even and never above what the peer receives', () => {
    fc.assert(
      fc.property(fc.oneof(fc.constant(0), fc.integer({ min: 8, max: 1 << 20 })), (maximumLength) => {
        const room = valueRoom(maximumLength, 131_072);
        expect(room % 2).toBe(0);
        expect(room).toBeGreaterThan(0);
        expect(room + 6).toBeLessThanOrEqual(maximumLength === 0 ? 131_072 : Math.min(131_072, maximumLength));
      }),
    );
  });
});

describe('command sets', () => {
  const text = fc.stringMatching(/^([!-~]([ -~]{0,62}[!-~])?)?$/);
  const command: fc.Arbitrary<Command> = fc.record(
    {
      field: short,
      hasDataSet: fc.boolean(),
      messageId: short,
      respondedTo: short,
      priority: short,
      status: short,
      affectedSopClassUid: uid,
      requestedSopClassUid: uid,
      affectedSopInstanceUid: uid,
      requestedSopInstanceUid: uid,
      errorComment: text,
      offendingElements: fc.array(fc.nat(0xffffffff), { maxLength: 4 }),
    },
    { requiredKeys: ['field', 'hasDataSet'] },
  );
  it('come back as they were', () => {
    fc.assert(
      fc.property(command, (value) => {
        expect(decodeCommand(encodeCommand(value))).toEqual({ command: value, isMistyped: false });
      }),
    );
  });
  it('arbitrary bytes are read, or refused with a code', () => {
    const spoilt = fc.tuple(command, fc.nat(200), byte, fc.nat(20)).map(([value, offset, changed, cut]) => {
      const encoded = encodeCommand(value);
      if (offset < encoded.length) encoded[offset] = changed;
      return encoded.subarray(0, encoded.length - cut);
    });
    fc.assert(
      fc.property(fc.oneof(bytes(200), spoilt), (value) => {
        try {
          decodeCommand(value);
        } catch (error) {
          if (!(error instanceof ProtocolFault)) throw error;
          expect([error.source, error.reason]).toEqual([0, 0]);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

interface Pdv {
  readonly contextId: number;
  readonly kind: 'command' | 'data';
  readonly isLast: boolean;
  readonly value: Buffer;
}
type Event =
  | { readonly pdu: number; readonly body: string }
  | { readonly pdv: Omit<Pdv, 'value'>; readonly value: string };

const limits = { maximumLength: 4096, associateBytes: 2048 };

/** Collects what the parser says, values joined. */
function recorder(): { handler: PduHandler; events: Event[] } {
  const events: Event[] = [];
  let pdvHead: Omit<Pdv, 'value'> | null = null;
  let parts: Uint8Array[] = [];
  const handler: PduHandler = {
    pduStart: () => {},
    pdu: (type, body) => void events.push({ pdu: type, body: body.toString('hex') }),
    pdvStart: (contextId, kind, isLast) => {
      pdvHead = { contextId, kind, isLast };
      parts = [];
    },
    pdvValue: (slice) => void parts.push(slice),
    pdvEnd: () => {
      if (pdvHead) events.push({ pdv: pdvHead, value: Buffer.concat(parts).toString('hex') });
    },
  };
  return { handler, events };
}

/** Cuts a stream at random places and pushes the pieces. */
function parseInPieces(stream: Buffer, cuts: readonly number[], holdEvery: number): Event[] {
  const { handler, events } = recorder();
  const parser = new PduParser(handler, limits);
  const edges = [...new Set([0, ...cuts.map((cut) => cut % (stream.length + 1)), stream.length])].sort((a, b) => a - b);
  let asked = 0;
  let rest: Buffer = Buffer.alloc(0);
  for (let index = 1; index < edges.length; index++) {
    rest = Buffer.concat([rest, stream.subarray(edges[index - 1], edges[index])]);
    // now and then it is held up in the middle of a chunk, as by back-pressure
    rest = rest.subarray(parser.push(rest, () => ++asked % holdEvery === 0));
  }
  while (rest.length > 0) rest = rest.subarray(parser.push(rest, () => false));
  expect(parser.bytes).toBe(stream.length);
  expect(parser.isInsidePdu).toBe(false);
  return events;
}

describe('PduParser', () => {
  const pdvs = fc.array(
    fc.record({ contextId: byte, kind: fc.constantFrom('command', 'data'), isLast: fc.boolean(), value: bytes(300) }),
    { minLength: 1, maxLength: 6 },
  );
  const dataPdu = pdvs.map((list) => ({
    bytes: data(
      ...list.map(({ contextId, kind, isLast, value }) =>
        pdv(contextId, (kind === 'command' ? 1 : 0) + (isLast ? 2 : 0), value),
      ),
    ),
    events: list.map(({ value, ...head }): Event => ({ pdv: head, value: value.toString('hex') })),
  }));
  const otherPdu = fc
    .oneof(
      fc.tuple(fc.constantFrom<PduType>(1, 2), bytes(2048)),
      fc.tuple(
        fc.constantFrom<PduType>(3, 5, 6, 7),
        fc.uint8Array({ minLength: 4, maxLength: 4 }).map((b) => Buffer.from(b)),
      ),
    )
    .map(([type, body]) => ({
      bytes: encodePdu(type, body),
      events: [{ pdu: type, body: body.toString('hex') }] satisfies Event[],
    }));

  it('reads any packing in any segmentation, held up anywhere, as it was written', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(dataPdu, otherPdu), { minLength: 1, maxLength: 6 }),
        fc.array(fc.nat(20_000), { maxLength: 60 }),
        fc.integer({ min: 2, max: 50 }),
        (pdus, cuts, holdEvery) => {
          const stream = Buffer.concat(pdus.map((pdu) => pdu.bytes));
          expect(parseInPieces(stream, cuts, holdEvery)).toEqual(pdus.flatMap((pdu) => pdu.events));
        },
      ),
      { numRuns: 300 },
    );
  });

  /** What a reader says to these bytes: `[source, reason]` of its fault, or null. */
  const refusal = (...parts: readonly Uint8Array[]): readonly number[] | null => {
    try {
      new PduParser(recorder().handler, limits).push(Buffer.concat(parts), () => false);
      return null;
    } catch (error) {
      if (!(error instanceof ProtocolFault)) throw error;
      return [error.source, error.reason];
    }
  };
  const header = (type: number, length: number): Buffer => {
    const head = Buffer.of(type, 0, 0, 0, 0, 0);
    head.writeUInt32BE(length, 2);
    return head;
  };

  it.each<[string, number, number, number]>([
    ['A-ASSOCIATE-RQ', 1, 0, limits.associateBytes],
    ['A-ASSOCIATE-AC', 2, 0, limits.associateBytes],
    ['A-ASSOCIATE-RJ', 3, 4, 4],
    ['P-DATA-TF', 4, 6, limits.maximumLength],
    ['A-RELEASE-RQ', 5, 4, 4],
    ['A-RELEASE-RP', 6, 4, 4],
    ['A-ABORT', 7, 4, 4],
  ])('refuses %s by its header where it is shorter or longer than it may be', (_name, type, least, most) => {
    for (const length of [least, most]) expect(refusal(header(type, length))).toBeNull();
    for (const length of [least - 1, most + 1, 0xffffffff].filter((one) => one >= 0)) {
      expect(refusal(header(type, length))).toEqual([2, 6]);
    }
  });

  it.each([
    ['fills its PDU', 20, 16, null],
    ['leaves room for another', 20, 10, null],
    ['leaves room for half a header', 20, 11, [2, 6]],
    ['is longer than its PDU', 20, 17, [2, 6]],
    ['has no control header', 20, 1, [2, 6]],
    ['has an empty value', 12, 2, null],
  ])('a PDV that %s', (_name, left, length, expected) => {
    const head = Buffer.of(0, 0, 0, length, 1, 3);
    expect(refusal(header(4, left), head)).toEqual(expected);
  });

  it('hands values on as slices of the chunk, not as copies', () => {
    const chunk = data(pdv(1, 2, Buffer.alloc(1000, 7)));
    const slices: Uint8Array[] = [];
    const { handler } = recorder();
    new PduParser({ ...handler, pdvValue: (slice) => void slices.push(slice) }, limits).push(chunk, () => false);
    expect(slices).toHaveLength(1);
    expect(slices[0]?.buffer).toBe(chunk.buffer);
  });

  it('reads arbitrary bytes, or refuses them with a code, and takes nothing more then', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            bytes(200),
            dataPdu.map((pdu) => pdu.bytes),
          ),
          { maxLength: 5 },
        ),
        (chunks) => {
          const { handler, events } = recorder();
          const parser = new PduParser(handler, limits);
          for (const chunk of chunks) {
            try {
              parser.push(chunk, () => false);
            } catch (error) {
              if (!(error instanceof ProtocolFault)) throw error;
              expect(error.source).toBe(2);
              const before = events.length;
              expect(parser.push(data(pdv(1, 2, Buffer.alloc(10))), () => false)).toBe(22);
              expect(events).toHaveLength(before);
              return;
            }
          }
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('encodeData is read as fragments of at most the room, the last one marked', () => {
    fc.assert(
      fc.property(bytes(2000), fc.integer({ min: 1, max: 200 }), (value, half) => {
        const { handler, events } = recorder();
        new PduParser(handler, limits).push(encodeData(5, 'data', value, 2 * half), () => false);
        const read = events.flatMap((event) => ('pdv' in event ? [event] : []));
        expect(read.map((event) => event.value).join('')).toBe(value.toString('hex'));
        expect(read.every((event) => event.value.length <= 4 * half && event.pdv.contextId === 5)).toBe(true);
        expect(read.map((event) => event.pdv.isLast)).toEqual(read.map((_, index) => index === read.length - 1));
      }),
    );
  });
});
