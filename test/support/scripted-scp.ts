// A raw SCP that does with each association what a test tells it: for peers that refuse, abort, go silent or answer wrongly.
import { type Server, type Socket, createServer } from 'node:net';
import {
  type AssociateAccept,
  type AssociateRequest,
  decodeAssociateRequest,
  encodeAssociateAccept,
} from '../../src/io/dimse/associate-pdu.js';
import { type Command, encodeCommand } from '../../src/io/dimse/command.js';
import { MessageReader } from '../../src/io/dimse/message.js';
import { answerRequest } from '../../src/io/dimse/negotiate.js';
import { PduParser } from '../../src/io/dimse/pdu-parser.js';
import { encodeData, encodeReleaseResponse } from '../../src/io/dimse/pdu.js';

export interface Exchange {
  readonly socket: Socket;
  /** Which association of this SCP it is, from 1. */
  readonly association: number;
  /** Which request of the association it is, from 1. */
  readonly request: number;
  readonly contextId: number;
  readonly command: Command;
  /** The data set, empty where there is none. */
  readonly dataSet: Buffer;
  readonly respond: (changes?: Partial<Command>) => void;
}

export interface ScriptedScpOptions {
  /** Instead of A-ASSOCIATE-AC: what it does with the request. */
  readonly associate?: (request: AssociateRequest, socket: Socket, association: number) => AssociateAccept | null;
  /** A command has come, its data set has not. */
  readonly command?: (exchange: Exchange) => void;
  /** A request is whole; the default answers 0000. */
  readonly message?: (exchange: Exchange) => void;
  readonly release?: (socket: Socket) => void;
}

export interface ScriptedScp {
  readonly port: number;
  associations(): number;
  close(): Promise<void>;
}

/** Listens on a free loopback port. */
export async function openScriptedScp(options: ScriptedScpOptions = {}): Promise<ScriptedScp> {
  const sockets = new Set<Socket>();
  let associations = 0;
  const server: Server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    const association = ++associations;
    let requests = 0;
    let current: { contextId: number; command: Command; parts: Uint8Array[] } | null = null;
    const exchangeOf = (contextId: number, command: Command, parts: readonly Uint8Array[]): Exchange => ({
      socket,
      association,
      request: requests,
      contextId,
      command,
      dataSet: Buffer.concat(parts),
      respond: (changes = {}) => {
        const response = { field: command.field | 0x8000, hasDataSet: false, status: 0, ...changes };
        const respondedTo = changes.respondedTo ?? command.messageId ?? 0;
        socket.write(encodeData(contextId, 'command', encodeCommand({ ...response, respondedTo }), 16_000));
      },
    });
    const whole = options.message ?? ((exchange: Exchange) => exchange.respond());
    const messages = new MessageReader(
      {
        isAccepted: () => true,
        commandBegins: () => undefined,
        command: (contextId, command) => {
          requests++;
          options.command?.(exchangeOf(contextId, command, []));
          if (command.hasDataSet) current = { contextId, command, parts: [] };
          else whole(exchangeOf(contextId, command, []));
        },
        dataSetValue: (slice) => void current?.parts.push(slice),
        dataSetEnd: () => {
          if (current) whole(exchangeOf(current.contextId, current.command, current.parts));
        },
      },
      16_384,
    );
    const parser = new PduParser(
      {
        pduStart: () => {},
        pdu: (type, body) => {
          if (type === 1) {
            const request = decodeAssociateRequest(body, 64);
            const accept = options.associate
              ? options.associate(request, socket, association)
              : answerRequest(request, 16_384);
            if (accept) socket.write(encodeAssociateAccept(accept));
          } else if (type === 5) {
            if (options.release) options.release(socket);
            else socket.end(encodeReleaseResponse());
          } else if (type === 7) socket.end();
        },
        pdvStart: (id, kind, isLast) => messages.pdvStart(id, kind, isLast),
        pdvValue: (slice) => messages.pdvValue(slice),
        pdvEnd: () => messages.pdvEnd(),
      },
      { maximumLength: 1 << 24, associateBytes: 1 << 20 },
    );
    socket.on('data', (chunk: Buffer) => void parser.push(chunk, () => false));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    associations: () => associations,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
