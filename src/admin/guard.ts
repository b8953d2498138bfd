/**
 * Who may call what, as long as there is no login: everything but health and metrics only while the server listens on a
 * loopback address, and only for requests that name a loopback host. A page of another site that has its name point to
 * 127.0.0.1 (DNS rebinding) still sends that name as Host.
 */
import { isIPv4 } from 'node:net';

/** Answers whether an address or name to listen on is this machine only. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  return bare === 'localhost' || bare === '::1' || (isIPv4(bare) && bare.startsWith('127.'));
}

/** The host of a Host or Origin value without its port; null where it is none. */
export function hostOf(value: string): string | null {
  const match = /^(\[[0-9a-f:.]+\]|[^:/@\s]+)(:\d{1,5})?$/i.exec(value);
  return match?.[1] ?? null;
}

export interface Caller {
  /** The host that the request is for, with its port; undefined: none, or more than one. */
  readonly host: string | undefined;
  /** Value of the Origin header; browsers send it with every POST. */
  readonly origin: string | undefined;
}

/**
 * Whom a request is for, and from what page. A target in absolute form counts in place of the Host header, and a request with several of
 * these is for nobody (RFC 9112 Sections 3.2, 3.2.2): proxies choose one of them, and not each the same.
 */
export function callerOf(request: {
  readonly url?: string | undefined;
  readonly rawHeaders: readonly string[];
  readonly headers: { readonly origin?: string | undefined };
}): Caller {
  const { url = '', rawHeaders, headers } = request;
  const hosts = rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === 'host');
  const named = hosts.length === 1 ? hosts[0] : undefined;
  const target = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(url)?.[1];
  return { host: target ?? named, origin: headers.origin };
}

/** Answers whether a request was meant for this machine: Host is loopback, and so is the page it comes from. */
export function isMeantForHere(caller: Caller): boolean {
  const host = caller.host === undefined ? null : hostOf(caller.host);
  if (host === null || !isLoopback(host)) return false;
  if (caller.origin === undefined) return true;
  const origin = /^https?:\/\/(.*)$/.exec(caller.origin)?.[1];
  const from = origin === undefined ? null : hostOf(origin);
  return from !== null && isLoopback(from);
}
