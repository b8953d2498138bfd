// What is kept of a message while it comes: as it was sent, in about as much memory, whatever pieces it comes in.
import { Duplex } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bodyOf, decodeAssociateRequest } from '../../../src/io/dimse/associate-pdu.js';
import { Acceptor } from '../../../src/io/dimse/acceptor.js';
import { Association } from '../../../src/io/dimse/association.js';
import { encodeCommand } from '../../../src/io/dimse/command.js';
import type { CommitmentService } from '../../../src/io/dimse/commitment.js';
import { CommandField, SopClass, storageCommitmentInstance } from '../../../src/io/dimse/constants.js';
import { Gathered } from '../../../src/io/dimse/gathered.js';
import { defaultLimits } from '../../../src/io/dimse/limits.js';
import { acceptorNode } from '../../support/acceptor-node.js';
import { associateRequest, context } from '../../support/dimse-bytes.js';
import { memoryStore } from '../../support/memory-store.js';

it('pieces are one, in their order', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 400 })), (pieces) => {
      const gathered = new Gathered();
      for (const piece of pieces) gathered.add(piece);
      expect(gathered.bytes.equals(Buffer.concat(pieces))).toBe(true);
      expect(gathered.length).toBe(gathered.bytes.length);
    }),
  );
});

it('a request that comes byte by byte takes about its own length', () => {
  setFlagsFromString('--expose-gc');
  const inUse = () => {
    runInNewContext('gc()');
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  const service: CommitmentService = {
    offers: () => ({ requests: true, reports: false }),
    requested: () => Promise.resolve({ status: 0 }),
    reported: () => Promise.resolve({ status: 0 }),
  };
  const origin = { address: '127.0.0.1', port: 104, security: { kind: 'plain' } } as const;
  const acceptor = new Acceptor({ ...acceptorNode(memoryStore()), commitment: service }, 1, origin);
  const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  const association = new Association(stream, 'acceptor', acceptor, defaultLimits);
  acceptor.attach(association);
  const asked = associateRequest({ contexts: [context(1, SopClass.StorageCommitment)] });
  acceptor.associateRequested(decodeAssociateRequest(bodyOf(asked), 64));
  const request = {
    field: CommandField.Action,
    messageId: 1,
    hasDataSet: true,
    requestedSopClassUid: SopClass.StorageCommitment,
    requestedSopInstanceUid: storageCommitmentInstance,
    actionTypeId: 1,
  };
  const come = (kind: 'command' | 'data', value: Uint8Array) => {
    acceptor.pdvStart(1, kind, kind === 'command');
    acceptor.pdvValue(value);
    acceptor.pdvEnd();
  };
  come('command', encodeCommand(request));
  const before = inUse();
  const byte = Buffer.of(8);
  for (let count = 0; count < 500_000; count++) come('data', byte);
  expect(inUse() - before).toBeLessThan(5_000_000);
  association.destroy('the test is over');
});
