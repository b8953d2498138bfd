// One HTTP request to a DICOMweb server: a body that is streamed, TLS with a client certificate, and an end to every wait.
import { type ClientRequest, type IncomingMessage, request as plainRequest } from 'node:http';
import { type RequestOptions, request as tlsRequest } from 'node:https';
import { isIP } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
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
  readonly body: string;
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
/** The slowest that a body may go, over its whole time. */
const bytesPerMs = 50;
/** An answer about some hundred instances is far shorter. */
const answerBytes = 8 * 1024 * 1024;

/** @throws WebFailure; what `body` throws */
export async function ask(target: WebTarget, what: WebRequest, signal: AbortSignal): Promise<WebAnswer> {
  const url = new URL(`${target.url}/${what.path}`);
  const authorization = await target.authorization();
  const deadline = AbortSignal.timeout(
    connectMs + 2 * target.timeoutMs + Math.ceil((what.body?.bytes ?? 0) / bytesPerMs),
  );
  const options: RequestOptions = {
    method: what.method,
    signal: AbortSignal.any([signal, deadline]),
    lookup: lookupName,
    agent: false, // one connection a request: none is reused that the server is just closing
    headers: {
      ...what.headers,
      ...(authorization === null ? {} : { authorization }),
      ...(what.body === null ? {} : { 'content-length': String(what.body.bytes) }),
    },
    ...tlsOptions(url, target.tls),
  };
  const request = url.protocol === 'https:' ? tlsRequest(url, options) : plainRequest(url, options);
  let phase: 'connecting' | 'sending' = 'connecting';
  let silent = false;
  const timer = setTimeout(() => giveUp(request), connectMs);
  const giveUp = (of: ClientRequest): void => {
    silent = true;
    of.destroy();
  };
  request.once('socket', (socket) => {
    socket.setNoDelay(true);
    socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
      phase = 'sending';
      clearTimeout(timer);
      socket.setTimeout(target.timeoutMs, () => giveUp(request));
    });
  });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve);
    request.on('error', reject); // also for those that come after the answer
  });
  answered.catch(() => undefined); // awaited below
  let fromBody: unknown;
  const sent = send(request, what.body).catch((error: unknown) => {
    // A server may answer before it has read everything; its answer counts then.
    if (!isNetworkError(error)) {
      fromBody = error;
      request.destroy();
    }
  });
  try {
    const response = await answered;
    const body = await bodyOf(response);
    await Promise.race([sent, Promise.resolve()]);
    const { statusCode = 0, headers } = response;
    return { status: statusCode, contentType: headers['content-type'] ?? '', body };
  } catch (error) {
    await sent;
    if (fromBody !== undefined) throw fromBody;
    if (silent || deadline.aborted) {
      const why =
        phase === 'connecting' ? `no connection within ${connectMs} ms` : 'the server does not answer in time';
      throw new WebFailure('DICOMWEB_TIMEOUT', why, { phase });
    }
    throw failureOf(error, phase);
  } finally {
    clearTimeout(timer);
    request.destroy();
  }
}

/** Node hands it on to the connection, its types do not say so. */
type SecureOptions = RequestOptions & { readonly secureContext?: SecureContext };

function tlsOptions(url: URL, tls: TlsTarget | undefined): SecureOptions {
  if (url.protocol !== 'https:' || tls === undefined) return {};
  const name = tls.serverName ?? url.hostname;
  return {
    secureContext: tls.credentials.context,
    ...(isIP(name) === 0 ? { servername: name } : {}),
    checkServerIdentity: (_, certificate) => checkPeer(url.hostname, tls, certificate),
  };
}

async function send(request: ClientRequest, body: WebRequest['body']): Promise<void> {
  if (body === null) request.end();
  else await pipeline(Readable.from(body.chunks, { objectMode: false }), request);
}

async function bodyOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const read: AsyncIterable<Buffer> = response;
  for await (const chunk of read) {
    bytes += chunk.length;
    if (bytes > answerBytes) throw new WebFailure('DICOMWEB_LOST', 'the answer is too long', { phase: 'sending' });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'failed';

/** Whether an error is one of the connection, not of the files that are sent over it. */
const isNetworkError = (error: unknown): boolean =>
  /^(?:EPIPE|ECONN|ERR_STREAM|ABORT_ERR|ETIMEDOUT|ENOTFOUND|EAI_|EHOST|ENETUN|ERR_TLS|ERR_SSL|CERT_|DEPTH_|SELF_|UNABLE_)/.test(
    codeOf(error),
  );

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
