// A raw peer that sends exactly the bytes a test gives it, waits, aborts, goes silent, and writes down what comes back.
import { type Socket, connect } from 'node:net';
import { type AssociateAccept, decodeAssociateAccept } from '../../src/io/dimse/associate-pdu.js';
import { type Command, decodeCommand } from '../../src/io/dimse/command.js';
import { PduParser } from '../../src/io/dimse/pdu-parser.js';
import { decodeAbort, decodeReject } from '../../src/io/dimse/pdu.js';

const words: Readonly<Record<number, string>> = { 1: 'RQ', 4: 'DATA', 5: 'RELEASE-RQ', 6: 'RELEASE-RP' };

export interface ScriptedPeer {
  readonly socket: Socket;
  /** What came back, in order: `AC`, `RJ 1/1/7`, `ABORT 2/6`, `RELEASE-RP`, `RSP 8001 #1 0000`. */
  readonly log: string[];
  readonly responses: Command[];
  accept(): AssociateAccept | null;
  send(...bytes: Uint8Array[]): void;
  /** Resolves once `count` things have come back, or the connection is closed. */
  until(count: number): Promise<void>;
  isClosed(): boolean;
  /** Resolves when the other side has closed. Gives everything that came, joined by `; `. */
  closed(): Promise<string>;
  destroy(): void;
}

/** Connects to a port of loopback. @param localAddress another one of the loopback's own: a second machine */
export async function scriptedPeer(port: number, localAddress = '127.0.0.1'): Promise<ScriptedPeer> {
  const socket = connect({ port, host: '127.0.0.1', localAddress, noDelay: true });
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  const log: string[] = [];
  const responses: Command[] = [];
  let accept: AssociateAccept | null = null;
  let isClosed = false;
  let parts: Uint8Array[] = [];
  let isLast = false;
  let isCommand = false;
  const waiting = new Set<() => void>();
  const wake = () => {
    for (const look of waiting) look();
  };
  const say = (word: string) => {
    log.push(word);
    wake();
  };
  const parser = new PduParser(
    {
      pduStart: () => {},
      pdu: (type, body) => {
        if (type === 2) {
          accept = decodeAssociateAccept(body);
          say('AC');
        } else if (type === 3) {
          const { result, source, reason } = decodeReject(body);
          say(`RJ ${result}/${source}/${reason}`);
        } else if (type === 7) say(`ABORT ${decodeAbort(body).source}/${decodeAbort(body).reason}`);
        else say(words[type] ?? `PDU ${type}`);
      },
      pdvStart: (_id, kind, last) => {
        isLast = last;
        isCommand = kind === 'command'; // data sets are read, and dropped
      },
      pdvValue: (slice) => void (isCommand && parts.push(Buffer.from(slice))),
      pdvEnd: () => {
        if (!isLast || !isCommand) return;
        const { command } = decodeCommand(Buffer.concat(parts));
        parts = [];
        responses.push(command);
        const hex = (value: number | undefined) => (value ?? 0).toString(16).padStart(4, '0');
        say(`RSP ${hex(command.field)} #${command.respondedTo} ${hex(command.status)}`);
      },
    },
    { maximumLength: 1 << 30, associateBytes: 1 << 20 },
  );
  socket.on('data', (chunk: Buffer) => void parser.push(chunk, () => false));
  const close = () => {
    isClosed = true;
    wake();
  };
  socket.on('end', close).on('close', close).on('error', close);
  const when = (isDone: () => boolean) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (!isDone()) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  return {
    socket,
    log,
    responses,
    accept: () => accept,
    send: (...bytes) => void socket.write(Buffer.concat(bytes)),
    until: (count) => when(() => log.length >= count || isClosed),
    isClosed: () => isClosed,
    closed: async () => {
      await when(() => isClosed);
      return log.join('; ');
    },
    destroy: () => void socket.destroy(),
  };
}
