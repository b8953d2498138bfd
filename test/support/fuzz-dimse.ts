/**
 * What must hold for any bytes that a peer sends, as properties that can be run ten thousand times in a test and a million times by
 * `npm run fuzz`. Each throws where it does not hold.
 */
import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import fc from 'fast-check';
import { Acceptor } from '../../src/io/dimse/acceptor.js';
import {
  bodyOf,
  decodeAssociateAccept,
  decodeAssociateRequest,
  encodeAssociateAccept,
} from '../../src/io/dimse/associate-pdu.js';
import { Association } from '../../src/io/dimse/association.js';
import { decodeCommand, encodeCommand } from '../../src/io/dimse/command.js';
import { type Limits, defaultLimits } from '../../src/io/dimse/limits.js';
import { answerRequest, refuseRequest } from '../../src/io/dimse/negotiate.js';
import { PduParser } from '../../src/io/dimse/pdu-parser.js';
import { ProtocolFault, encodeAbort, encodePdu, encodeReleaseRequest } from '../../src/io/dimse/pdu.js';
import { DataSetWalker } from '../../src/io/dimse/walker.js';
import {
  associateRequest,
  commandPdu,
  context,
  ctClass,
  data,
  dataPdu,
  dataSet,
  echoRequest,
  explicitLittle,
  implicitLittle,
  pdv,
  storeRequest,
  usualContexts,
  verification,
} from './dimse-bytes.js';
import { memoryStore } from './memory-store.js';
import { acceptorNode } from './acceptor-node.js';

const limits: Limits = { ...defaultLimits, maximumLength: 8192, associateBytes: 4096, objectBytes: 4096 };

const byte = fc.nat(255);
const anyBytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((value) => Buffer.from(value));

/** Right bytes with some changed, a piece taken out, and the end cut off: they get further than bytes at random. */
const spoilt = (right: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> =>
  fc
    .record({
      bytes: right,
      changes: fc.array(fc.tuple(fc.nat(2000), fc.oneof(byte, fc.constantFrom(0, 1, 0x7f, 0xff))), { maxLength: 4 }),
      without: fc.option(fc.tuple(fc.nat(2000), fc.nat(8))),
      cut: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(60)),
    })
    .map(({ bytes, changes, without, cut }) => {
      let copy = Buffer.from(bytes);
      for (const [at, value] of changes) copy[at % Math.max(1, copy.length)] = value;
      const at = (without?.[0] ?? 0) % Math.max(1, copy.length);
      if (without !== null) copy = Buffer.concat([copy.subarray(0, at), copy.subarray(at + without[1])]);
      return copy.subarray(0, Math.max(0, copy.length - cut));
    });

const uid = '1.2.826.0.1.3680043.9.8888.7';
const object = dataSet({ sopInstanceUid: uid, pixelBytes: 200 });
const commands = fc.constantFrom(
  echoRequest(1),
  echoRequest(2),
  storeRequest(uid),
  storeRequest(uid, { messageId: 2 }),
  storeRequest(uid, { hasDataSet: false }),
  storeRequest('../evil', { messageId: 3 }),
  encodeCommand({ field: 0x20, messageId: 4, hasDataSet: true, affectedSopClassUid: ctClass }),
  encodeCommand({ field: 0x8001, respondedTo: 4, hasDataSet: false, status: 0 }),
  encodeCommand({ field: 0x0fff, respondedTo: 1, hasDataSet: false }),
);

const rightRequest = fc
  .record({
    contexts: fc.array(
      fc.record({
        id: fc.oneof({ weight: 4, arbitrary: fc.constantFrom(1, 3, 5, 255) }, byte),
        abstractSyntaxUid: fc.constantFrom(ctClass, verification, '1.2.840.10008.1.20.1', '1.2.3', ''),
        transferSyntaxUids: fc.array(
          fc.constantFrom(explicitLittle, implicitLittle, '1.2.840.10008.1.2.4.90', '1.2.840.10008.1.2.4.102', '1.2.3'),
          { maxLength: 4 },
        ),
      }),
      { maxLength: 5 },
    ),
    calledAe: fc.constantFrom('LIMPID', 'OTHER', ''),
    maximumLength: fc.oneof(fc.constantFrom(0, 6, 7, 8, 16_384), fc.nat(0xffffffff)),
    protocolVersion: fc.constantFrom(1, 1, 1, 2, 0xffff),
    asyncWindow: fc.option(fc.record({ invoked: fc.nat(0xffff), performed: fc.nat(0xffff) })),
    roles: fc.array(
      fc.record({ sopClassUid: fc.constantFrom(ctClass, '1.2.840.10008.1.20.1'), scu: byte, scp: byte }),
      {
        maxLength: 2,
      },
    ),
    identity: fc.option(
      fc.record({ type: byte, positiveResponse: fc.boolean(), primary: anyBytes(12), secondary: anyBytes(12) }),
    ),
  })
  .map((changes) => associateRequest(changes));

const rightPdu = fc.oneof(
  fc
    .array(fc.tuple(fc.constantFrom(1, 3, 5), fc.nat(3), fc.oneof(commands, fc.constant(object), anyBytes(200))), {
      minLength: 1,
      maxLength: 3,
    })
    .map((pdvs) => data(...pdvs.map(([id, control, value]) => pdv(id, control, value)))),
  commands.map((command) => commandPdu(1, command)),
  fc.constantFrom(dataPdu(1, object), dataPdu(1, object.subarray(0, 100), false), dataPdu(1, object.subarray(100))),
  rightRequest,
  fc.constantFrom(encodeReleaseRequest(), encodeAbort({ source: 0, reason: 0 }), encodePdu(6, new Uint8Array(4))),
);
const stream = fc.array(fc.oneof({ weight: 3, arbitrary: rightPdu }, spoilt(rightPdu), anyBytes(40)), { maxLength: 6 });
const cuts = fc.array(fc.nat(6000), { maxLength: 30 });

/** The pieces of bytes cut at these places. */
function pieces(bytes: Buffer, at: readonly number[]): Buffer[] {
  const edges = [0, ...at.map((cut) => cut % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b);
  return edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge));
}

/** What a reader says of a stream that comes in these pieces: PDUs, PDVs with their values joined, and how it ended. */
function read(parts: readonly Buffer[]): { readonly said: string[]; readonly begun: number } {
  const said: string[] = [];
  let value: string[] = [];
  const parser = new PduParser(
    {
      pduStart: (type) => void said.push(`start ${type}`),
      pdu: (type, body) => void said.push(`pdu ${type} ${body.toString('hex')}`),
      pdvStart: (id, kind, isLast) => {
        said.push(`pdv ${id} ${kind} ${isLast}`);
        value = [];
      },
      pdvValue: (slice) => void value.push(Buffer.from(slice).toString('hex')),
      pdvEnd: () => void said.push(value.join('')),
    },
    limits,
  );
  for (const part of parts) {
    try {
      assert.equal(
        parser.push(part, () => false),
        part.length,
      );
    } catch (error) {
      if (!(error instanceof ProtocolFault)) throw error;
      assert.equal(error.source, 2);
      assert.equal(
        parser.push(data(pdv(1, 2, Buffer.alloc(4))), () => false),
        16,
        'it takes nothing more',
      );
      said.push(`fault ${error.reason}`);
      return { said, begun: parser.started };
    }
  }
  said.push(parser.isInsidePdu ? `inside ${value.join('')}` : 'between');
  return { said, begun: parser.started };
}

/** Bytes that `work` asks for through Buffer. */
function allocatedBy(work: () => void): number {
  const real = Object.getOwnPropertyDescriptors(Buffer);
  let bytes = 0;
  const counting = (of: { readonly value?: (size: number) => Buffer }): PropertyDescriptor => ({
    ...of,
    value: (size: number): Buffer | undefined => {
      bytes += size;
      return of.value?.(size);
    },
  });
  const { alloc, allocUnsafe } = real;
  Object.defineProperties(Buffer, { alloc: counting(alloc), allocUnsafe: counting(allocUnsafe) });
  try {
    work();
  } finally {
    Object.defineProperties(Buffer, { alloc, allocUnsafe });
  }
  return bytes;
}

function onlyFaults(source: number, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof ProtocolFault)) throw error;
    assert.equal(error.source, source);
  }
}

const syntaxes = [implicitLittle, explicitLittle, '1.2.840.10008.1.2.2', '1.2.840.10008.1.2.4.90'];

/** What a walk over bytes in these pieces finds. */
function walk(syntax: string, parts: readonly Buffer[]): unknown[] {
  const walker = new DataSetWalker(syntax, 64);
  for (const part of parts) walker.push(part);
  const end = walker.end();
  for (const value of Object.values(walker.found)) assert.ok(value.length <= 128);
  return [end, walker.found, walker.outOfOrder];
}

/** An association in memory: what was sent comes in these pieces, then the peer is gone. @returns its answers with status 0000 to C-STORE */
async function converse(parts: readonly Buffer[]): Promise<{ stored: number; acknowledged: number; open: number }> {
  const store = memoryStore();
  const written: Buffer[] = [];
  const socket = new Duplex({
    read: () => {},
    write: (chunk: Buffer, _encoding, done) => {
      written.push(Buffer.from(chunk));
      done();
    },
  });
  const acceptor = new Acceptor(acceptorNode(store, limits), 1, {
    address: '127.0.0.1',
    port: 104,
    security: { kind: 'plain' },
  });
  acceptor.attach(new Association(socket, 'acceptor', acceptor, limits));
  for (const part of parts) if (part.length > 0) socket.push(part);
  socket.push(null);
  await acceptor.done;
  let acknowledged = 0;
  let value: Uint8Array[] = [];
  const reader = new PduParser(
    {
      pduStart: () => {},
      pdu: () => {},
      pdvStart: () => void (value = []),
      pdvValue: (slice) => void value.push(slice),
      pdvEnd: () => {
        const { command } = decodeCommand(Buffer.concat(value));
        if (command.field === 0x8001 && command.status === 0) acknowledged++;
      },
    },
    defaultLimits,
  );
  reader.push(Buffer.concat(written), () => false);
  assert.ok(!reader.isInsidePdu, 'what it wrote are whole PDUs');
  return { stored: store.objects.length, acknowledged, open: store.open() };
}

const opening = associateRequest({ contexts: [...usualContexts, context(5)], maximumLength: 0 });

/** Each property with its share of all cases: conversations take longest. */
export const fuzzTargets: Readonly<
  Record<string, { readonly share: number; readonly property: fc.IProperty<unknown> | fc.IAsyncProperty<unknown> }>
> = {
  'the PDU reader says the same of any bytes however they are split, and throws its own faults only': {
    share: 0.3,
    property: fc.property(stream, cuts, (pdus, at) => {
      const bytes = Buffer.concat(pdus);
      assert.deepEqual(read(pieces(bytes, at)).said, read([bytes]).said);
    }),
  },
  'the PDU reader allocates by what has come, not by what is announced': {
    share: 0.1,
    property: fc.property(stream, fc.nat(6), byte, (pdus, type, high) => {
      const claim = Buffer.from([type, 0, high, 0xff, 0xff, 0xff]);
      const bytes = Buffer.concat([...pdus.slice(0, 2), claim, Buffer.alloc(32)]);
      let begun = 0;
      const asked = allocatedBy(() => {
        const parser = new PduParser(
          { pduStart: () => begun++, pdu: () => {}, pdvStart: () => {}, pdvValue: () => {}, pdvEnd: () => {} },
          { ...limits, associateBytes: 0xffffffff },
        );
        onlyFaults(2, () => void parser.push(bytes, () => false));
      });
      assert.ok(asked <= 4096 * (begun + 1) + 4 * bytes.length, `${asked} for ${bytes.length} bytes`);
    }),
  },
  'any association request is answered by what it proposes, refused, or a fault': {
    share: 0.2,
    property: fc.property(fc.oneof(rightRequest, spoilt(rightRequest)), (pdu) => {
      onlyFaults(2, () => {
        const request = decodeAssociateRequest(bodyOf(pdu), 64);
        if (refuseRequest(request, ['LIMPID']) !== null) return;
        const accept = answerRequest(request, 131_072);
        assert.equal(accept.maximumLength, 131_072);
        assert.equal(accept.asyncWindow, null);
        assert.deepEqual(
          accept.contexts.map(({ id }) => id),
          request.contexts.map(({ id }) => id),
        );
        for (const [index, { result, transferSyntaxUid }] of accept.contexts.entries()) {
          assert.ok([0, 3, 4].includes(result));
          if (result === 0) assert.ok(request.contexts[index]?.transferSyntaxUids.includes(transferSyntaxUid));
        }
        assert.deepEqual(decodeAssociateAccept(bodyOf(encodeAssociateAccept(accept))).contexts, accept.contexts);
      });
    }),
  },
  'any command set is read the same again once it is written, or is a fault': {
    share: 0.1,
    property: fc.property(fc.oneof(anyBytes(120), spoilt(commands)), (bytes) => {
      onlyFaults(0, () => {
        const { command, isMistyped } = decodeCommand(bytes);
        if (!isMistyped) assert.deepEqual(decodeCommand(encodeCommand(command)).command, command);
      });
    }),
  },
  'the walk over any data set says the same of it however it is split': {
    share: 0.2,
    property: fc.property(
      fc.oneof(spoilt(fc.constant(object)), anyBytes(300)),
      fc.constantFrom(...syntaxes),
      cuts,
      (bytes, syntax, at) => assert.deepEqual(walk(syntax, pieces(bytes, at)), walk(syntax, [bytes])),
    ),
  },
  'an association acknowledges what is stored, no more, and leaves no sink open, whatever comes': {
    share: 0.1,
    property: fc.asyncProperty(stream, cuts, async (pdus, at) => {
      const { stored, acknowledged, open } = await converse(pieces(Buffer.concat([opening, ...pdus]), at));
      assert.ok(acknowledged <= stored, `${acknowledged} acknowledged, ${stored} stored`);
      assert.equal(open, 0);
    }),
  },
};

/** The walk over real files, spoilt anywhere or cut, split anyhow. `mutate` gives the spoilt bytes behind the file meta group by a seed. */
export function fuzzFiles(mutate: (seed: number) => { readonly bytes: Buffer; readonly syntax: string }) {
  return fc.property(fc.nat(0x7fffffff), cuts, (seed, at) => {
    const { bytes, syntax } = mutate(seed);
    assert.deepEqual(walk(syntax, pieces(bytes, at)), walk(syntax, [bytes]));
  });
}
