// One HTTP request to a DICOMweb server: a body that is streamed, TLS with a client certificate, and an end to every wait.
import { type ClientRequest, type IncomingMessage, request as plainRequest } from 'node:http';
import { type RequestOptions, request as tlsRequest } from 'node:https';
import { isIP } from 'node:net';
import { once } from 'node:events';
import { setImmediate as endOfTurn } from 'node:timers/promises';
import type { SecureContext } from 'node:tls';
import { LimpidError } from '../../errors.js';
import { lookupName } from '../lookup.js';
import { type TlsTarget, checkPeer } from '../dimse/tls-caller.js';
import { describeTlsFault, isTlsFault, tlsFaultClass } from '../dimse/tls-fault.js';

/** A DICOMweb server. */
export interface WebTarget {
  /** Base of its services, without a slash at the end. */
  readonly url: string;
  /** Value of the Authorization header, read anew for each request; null: none. */
  readonly authorization: () => Promise<string | null>;
  /** For https: client certificate and authorities; undefined: the authorities that Node knows. */
  readonly tls: TlsTarget | undefined;
  /** Silence of the server after which a request is given up, ms. */
  readonly timeoutMs: number;
  /** The slowest that a body may go, over its whole time. */
  readonly bytesPerSecond: number;
}

export interface WebRequest {
  readonly method: 'POST' | 'OPTIONS';
  /** Below the base. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Of exactly so many bytes. */
  readonly body: { readonly bytes: number; readonly chunks: AsyncIterable<Uint8Array> } | null;
}

export interface WebAnswer {
  readonly status: number;
  readonly contentType: string;
  /** Of an error status perhaps only its beginning. */
  readonly body: string;
  /** Its Retry-After and its own clock (Date), as they stand; null where it does not say. */
  readonly retryAfter: string | null;
  readonly date: string | null;
}

/** A server that was not reached, or that did not answer to the end. */
export class WebFailure extends LimpidError {
  /** `connecting`: it has got nothing of the request. */
  readonly phase: 'connecting' | 'sending';
  readonly deliveryClass: 'transient' | 'permanent';
  constructor(
    code: 'DICOMWEB_CONNECT' | 'DICOMWEB_TLS' | 'DICOMWEB_TIMEOUT' | 'DICOMWEB_LOST',
    message: string,
    details: { readonly phase: 'connecting' | 'sending'; readonly deliveryClass?: 'transient' | 'permanent' },
  ) {
    super(code, message);
    this.name = 'WebFailure';
    this.phase = details.phase;
    this.deliveryClass = details.deliveryClass ?? 'transient';
  }
}

const connectMs = 10_000;
/** The longest that a timer of Node can be set to, 24 days. */
const longestTimerMs = 2 ** 31 - 1;
/** An answer about a hundred instances is far shorter; one of nested brackets takes a second to read for each 2 MB. */
const answerBytes = 1024 * 1024;

/** @throws WebFailure; what `body` throws */
export async function ask(target: WebTarget, what: WebRequest, signal: AbortSignal): Promise<WebAnswer> {
  const url = new URL(`${target.url}/${what.path}`);
  const authorization = await target.authorization();
  const options: RequestOptions = {
    method: what.method,
    signal,
    lookup: lookupName,
    agent: false, // one connection a request: none is reused that the server is just closing
    headers: {
      'accept-encoding': 'identity', // who names no coding takes any (RFC 9110 Section 12.5.3)
      ...what.headers,
      ...(authorization === null ? {} : { authorization }),
      ...(what.body === null ? {} : { 'content-length': String(what.body.bytes) }),
    },
    ...tlsOptions(url, target.tls),
  };
  const request = url.protocol === 'https:' ? tlsRequest(url, options) : plainRequest(url, options);
  let phase: 'connecting' | 'sending' = 'connecting';
  let silent = false;
  const giveUp = (): void => {
    silent = true;
    request.destroy();
  };
  let timer = setTimeout(giveUp, connectMs);
  request.once('socket', (socket) => {
    socket.setNoDelay(true);
    socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
      phase = 'sending';
      clearTimeout(timer);
      timer = setTimeout(giveUp, longestMs(target, what.body?.bytes ?? 0));
      socket.setTimeout(target.timeoutMs, giveUp);
    });
  });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve);
    request.on('error', reject); // also for those that come after the answer
    // a server that changes the protocol unasked (101) is hung up on by Node, which tells no more than that
    request.once('close', () => reject(Object.assign(new Error('closed without an answer'), { code: 'ECONNRESET' })));
  });
  answered.catch(() => undefined); // awaited below
  const ended = new AbortController();
  request.once('close', () => ended.abort());
  const sent = send(request, what.body, ended.signal);
  sent.catch(() => request.destroy()); // a file that cannot be read: thrown below
  try {
    const response = await answered;
    const answer = await answerOf(response);
    // What a server says of instances that it has not got yet is not believed.
    if (answer.status < 300 && (await sent) === 'cut')
      throw new WebFailure('DICOMWEB_LOST', 'the server answered before it had everything', { phase });
    return answer;
  } catch (error) {
    ended.abort();
    await sent;
    if (silent) {
      const why =
        phase === 'connecting' ? `no connection within ${connectMs} ms` : 'the server does not answer in time';
      throw new WebFailure('DICOMWEB_TIMEOUT', why, { phase });
    }
    throw failureOf(error, phase);
  } finally {
    ended.abort();
    clearTimeout(timer);
    request.destroy();
  }
}

/** For a body at its least rate, and the answer; silence is told sooner. */
function longestMs({ timeoutMs, bytesPerSecond }: WebTarget, bytes: number): number {
  return Math.min(longestTimerMs, 2 * timeoutMs + (1000 * bytes) / bytesPerSecond);
}

/** Node hands it on to the connection, its types do not say so. */
type SecureOptions = RequestOptions & { readonly secureContext?: SecureContext };

function tlsOptions(url: URL, tls: TlsTarget | undefined): SecureOptions {
  if (url.protocol !== 'https:' || tls === undefined) return {};
  const host = url.hostname.replace(/^\[|\]$/g, ''); // an IPv6 address stands in brackets there, and in certificates not
  const name = tls.serverName ?? host;
  return {
    secureContext: tls.credentials.context,
    ...(isIP(name) === 0 ? { servername: name } : {}),
    checkServerIdentity: (_, certificate) => checkPeer(host, tls, certificate),
  };
}

/**
 * Sends the body to its end, or until the server refuses it. Before each piece it looks at what has come: a server that refuses and closes
 * resets the connection, and a write that meets the reset first would end it with the answer unread (RFC 9112 Sections 9.5, 9.6).
 */
async function send(request: ClientRequest, body: WebRequest['body'], ended: AbortSignal): Promise<'whole' | 'cut'> {
  let isRefused = false;
  request.once('response', ({ statusCode = 0 }) => {
    isRefused = statusCode >= 300;
  });
  for await (const chunk of body?.chunks ?? []) {
    // The end of this turn may come without a look at the sockets; before the end of the next there is one.
    await endOfTurn();
    await endOfTurn();
    if (isRefused || ended.aborted) return 'cut';
    try {
      if (!request.write(chunk)) await once(request, 'drain', { signal: ended });
    } catch {
      return 'cut'; // the connection has ended: `answered` says why, or has the answer
    }
  }
  request.end();
  return 'whole';
}

async function answerOf(response: IncomingMessage): Promise<WebAnswer> {
  const { statusCode: status = 0, headers } = response;
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    const read: AsyncIterable<Buffer> = response;
    for await (const chunk of read) {
      bytes += chunk.length;
      if (bytes > answerBytes) throw new WebFailure('DICOMWEB_LOST', 'the answer is too long', { phase: 'sending' });
      chunks.push(chunk);
    }
  } catch (error) {
    // The status has said it, though the connection ended within its words.
    if (status < 300) throw error;
  }
  return {
    status,
    contentType: headers['content-type'] ?? '',
    body: Buffer.concat(chunks).toString('utf8'),
    retryAfter: headers['retry-after'] ?? null,
    date: headers.date ?? null,
  };
}

function failureOf(error: unknown, phase: 'connecting' | 'sending'): Error {
  if (error instanceof LimpidError) return error;
  const { code, why } = describeTlsFault(error);
  if (isTlsFault(code)) {
    const deliveryClass = tlsFaultClass(code);
    return new WebFailure('DICOMWEB_TLS', `TLS with the server failed: ${why}`, { phase, deliveryClass });
  }
  if (phase === 'connecting')
    return new WebFailure('DICOMWEB_CONNECT', `no connection to the server: ${code}`, { phase });
  return new WebFailure('DICOMWEB_LOST', `the connection was lost: ${code}`, { phase });
}
