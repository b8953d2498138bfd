// The destination doctor for a DICOMweb server: name, TCP, TLS, and whether its service answers. It stores nothing there.
import { createSecureContext } from 'node:tls';
import { performance } from 'node:perf_hooks';
import { type Finding, examineConnection, failed, ok, skipped } from '../dimse/examine-connection.js';
import type { TlsTarget } from '../dimse/tls-caller.js';
import { type WebTarget, WebFailure, ask } from './http.js';

const ports: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };
/** Whoever is called by https without further settings is believed by the authorities that Node knows. */
const usualTls = (): TlsTarget => ({
  credentials: { context: createSecureContext() },
  serverName: null,
  allowed: { fingerprints: [], subjects: [] },
});

/** Takes the steps in order; behind one that fails the rest is skipped. */
export async function examineWeb(target: WebTarget, nowMs: number, signal: AbortSignal): Promise<Finding[]> {
  const { hostname, port, protocol } = new URL(target.url);
  const host = hostname.replace(/^\[|\]$/g, '');
  const tls = protocol === 'https:' ? (target.tls ?? usualTls()) : undefined;
  const findings = await examineConnection(
    { host, port: Number(port === '' ? ports[protocol] : port), tls },
    nowMs,
    signal,
  );
  const isReached = findings.every(({ state }) => state !== 'failed');
  if (isReached) return [...findings, await examineService(target, signal)];
  const left = (['tcp', 'tls', 'service'] as const).filter((step) => findings.every((one) => one.step !== step));
  return [...findings, ...left.map((step) => skipped(step, 'a step before it failed'))];
}

const step = 'service';

async function examineService(target: WebTarget, signal: AbortSignal): Promise<Finding> {
  try {
    return await askService(target, signal);
  } catch (error) {
    if (!(error instanceof WebFailure)) throw error;
    return failed(step, error.message, error.hint);
  }
}

const options = { method: 'OPTIONS', path: 'studies', headers: {}, body: null } as const;
/** A request to store, with nothing in it. */
const nothing = {
  method: 'POST',
  path: 'studies',
  headers: { 'content-type': 'multipart/related; type="application/dicom"; boundary=limpid' },
  body: null,
} as const;
const isNotThere = (status: number): boolean => status === 404 || status === 410;

/**
 * Whether its service is there, by what it answers. Orthanc answers 404 to OPTIONS wherever it is asked: only a request to store tells then.
 *
 * @throws WebFailure: it gave no answer
 */
export async function askService(target: WebTarget, signal: AbortSignal): Promise<Finding> {
  const started = performance.now();
  const first = await ask(target, options, signal);
  const isAskedAgain = isNotThere(first.status);
  const { status } = isAskedAgain ? await ask(target, nothing, signal) : first;
  const found = `${target.url}/studies answers HTTP ${status} in ${Math.round(performance.now() - started)} ms`;
  if (isNotThere(status) || (isAskedAgain && status === 405)) {
    const advice = "The server is there, but no STOW-RS at this path: compare url with the server's settings.";
    return failed(step, found, advice);
  }
  if (status === 401 || status === 403 || status === 407)
    return failed(step, found, 'Check bearerTokenFile, or username and passwordFile, or the certificate of limpid.');
  if (status >= 300 && status < 400) return failed(step, found, 'The service has moved: mend url.');
  if (status >= 500 || status === 429)
    return failed(step, found, "The server takes nothing now: see its log, and a proxy's before it.");
  return ok(step, found);
}
