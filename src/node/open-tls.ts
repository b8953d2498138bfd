/**
 * TLS of one process: certificates read from their files for the listener and for the peers that are called, and read again
 * when they change or the process gets SIGHUP. What is wrong with new ones is logged; those in use stay in use.
 */
import { type Certificates, readCertificates } from '../config/certificates.js';
import type { Role } from '../config/roles.js';
import type { Config } from '../config/schema.js';
import { type TlsPlace, auditUser, isFaults, tlsPlaces } from '../config/tls-files.js';
import { LimpidError } from '../errors.js';
import { TlsCredentials } from '../io/dimse/tls.js';
import type { TlsTarget } from '../io/dimse/tls-caller.js';
import type { Log } from '../observe/log.js';
import type { Metrics } from '../observe/metrics.js';

export interface NodeTls {
  /** For the listener; null: the configuration has none. */
  readonly listener: TlsCredentials | null;
  /** How a peer is called; undefined: without TLS. */
  target(peer: string): TlsTarget | undefined;
  /** How the audit repository is called; null: without TLS. */
  readonly audit: TlsTarget | null;
  /** Reads all files again; what has changed and is right is used for connections from now on. */
  reload(log: Log): Promise<readonly ReadAgain[]>;
  /** Watches the files until `close`, and has the time that is left shown at each scrape. */
  watch(log: Log, metrics: Metrics): { close(): Promise<void> };
}

/** What a reload has found at one place of the configuration. */
export interface ReadAgain {
  readonly at: string;
  /** Faults: what was in use stays in use. */
  readonly found: 'unchanged' | 'renewed' | 'faults';
  readonly why: string;
}

/** Certificates are renewed by files that change, in containers by links that do: both are seen by reading them. */
const watchEveryMs = 10_000;

interface Place {
  readonly place: TlsPlace;
  readonly credentials: TlsCredentials;
  inUse: Certificates;
  /** What was said of the files last, so that it is said once. */
  said: string;
}

async function openPlace(place: TlsPlace): Promise<Place> {
  const read = await readCertificates(place);
  if (isFaults(read)) throw new LimpidError('CONFIG_INVALID', read.map(({ message }) => message).join('\n'));
  return { place, credentials: credentialsOf(read), inUse: read, said: '' };
}

function credentialsOf(read: Certificates): TlsCredentials {
  try {
    return new TlsCredentials(read);
  } catch (cause) {
    throw new LimpidError('CONFIG_INVALID', `certificates cannot be used: ${messageOf(cause)}`, { cause });
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

const isSame = (a: Certificates, b: Certificates) =>
  a.certificate === b.certificate && a.key === b.key && a.authorities === b.authorities;

const isInTime = ({ startsAt, endsAt }: Certificates, now: number): boolean => startsAt <= now && now < endsAt;

const levels = { unchanged: 'warn', renewed: 'info', faults: 'error' } as const;

/** @returns what was found, with the text there is to say of it: faults, notices, or none */
async function renew(place: Place): Promise<{ found: ReadAgain['found']; text: string }> {
  const read = await readCertificates(place.place);
  if (isFaults(read)) return { found: 'faults', text: read.map(({ message }) => message).join('; ') };
  const now = Date.now();
  const notices = read.notices(now).join('; ');
  if (isSame(read, place.inUse)) return { found: 'unchanged', text: notices };
  // an old copy, or a new one put in its place too early: no peer would take it, and the one in use serves all of them
  if (!isInTime(read, now) && isInTime(place.inUse, now)) {
    return { found: 'faults', text: `new certificates are not used as long as those in use are valid: ${notices}` };
  }
  try {
    place.credentials.replace(read);
  } catch (error) {
    return { found: 'faults', text: `certificates cannot be used: ${messageOf(error)}` };
  }
  place.inUse = read;
  return { found: 'renewed', text: notices === '' ? 'certificates renewed' : `certificates renewed; ${notices}` };
}

async function renewAll(places: readonly Place[], log: Log): Promise<readonly ReadAgain[]> {
  const all: ReadAgain[] = [];
  for (const place of places) {
    const { found, text } = await renew(place);
    const at = place.place.path.join('.');
    if (text !== '' && text !== place.said) log[levels[found]](`TLS: ${text}`, { at });
    place.said = text;
    all.push({ at, found, why: text });
  }
  return all;
}

/** Roles that hear or call DICOM peers; the others need not be able to read a private key. */
export const usesTls = (roles: readonly Role[]): boolean => roles.includes('receiver') || roles.includes('sender');

export const noTls: NodeTls = {
  listener: null,
  target: () => undefined,
  audit: null,
  reload: () => Promise.resolve([]),
  watch: () => ({ close: () => Promise.resolve() }),
};

/** Reads the certificates that the configuration names. @throws LimpidError CONFIG_INVALID */
export async function openTls(config: Pick<Config, 'node' | 'peers' | 'audit'>): Promise<NodeTls> {
  const places: Place[] = [];
  for (const place of tlsPlaces(config)) places.push(await openPlace(place));
  const ofUser = (name: string | null) => places.find(({ place }) => place.users.includes(name));
  const ofAudit = ofUser(auditUser);
  let running: Promise<unknown> = Promise.resolve();
  /** One at a time: what was read first must not replace what was read after it. */
  const renewNext = (log: Log): Promise<readonly ReadAgain[]> => {
    const renewed = running.then(() => renewAll(places, log));
    running = renewed;
    return renewed;
  };
  return {
    audit: ofAudit
      ? {
          credentials: ofAudit.credentials,
          serverName: config.audit?.tls.serverName ?? null,
          allowed: { fingerprints: [], subjects: [] },
        }
      : null,
    listener: ofUser(null)?.credentials ?? null,
    target(name) {
      const peer = config.peers[name];
      const tls = peer === undefined || peer.kind === 'folder' ? null : peer.tls;
      const place = ofUser(name);
      if (!tls || !place) return undefined;
      const { serverName, fingerprints, subjects } = tls;
      return { credentials: place.credentials, serverName, allowed: { fingerprints, subjects } };
    },
    reload: renewNext,
    watch(log, metrics) {
      void renewNext(log);
      const timer = setInterval(() => void renewNext(log), watchEveryMs);
      const endScrape = metrics.onScrape(() => {
        const ends = new Map<string, number>();
        for (const { place, inUse } of places) {
          const certificate = place.users[0] ?? 'node';
          // a peer may be called `node`: what ends first must not be hidden
          ends.set(certificate, Math.min(inUse.endsAt, ends.get(certificate) ?? Infinity));
        }
        for (const [certificate, endsAt] of ends) {
          metrics.set('tls_certificate_expiry_seconds', { certificate }, (endsAt - Date.now()) / 1000);
        }
      });
      return {
        async close() {
          clearInterval(timer);
          endScrape();
          await running;
        },
      };
    },
  };
}

/** What an operator should know of the certificates though they work, each with its place in the configuration. */
export async function certificateNotices(config: Pick<Config, 'node' | 'peers' | 'audit'>): Promise<readonly string[]> {
  const notices: string[] = [];
  for (const place of tlsPlaces(config)) {
    const read = await readCertificates(place);
    if (isFaults(read)) continue;
    const found = [...read.notices(Date.now()), ...read.remarks];
    notices.push(...found.map((text) => `${place.path.join('.')}: ${text}`));
  }
  return notices;
}
