// From the configuration to what the receiver decides by: who may call, and what is taken from whom.
import { readFile } from 'node:fs/promises';
import { dicomPeers } from '../config/peers.js';
import type { DicomPeer } from '../config/peers.js';
import type { Config } from '../config/schema.js';
import { derivedClasses } from '../dicom/uids.js';
import { LimpidError } from '../errors.js';
import { type Limits, defaultLimits } from '../io/dimse/limits.js';
import type { NegotiationPolicy } from '../io/dimse/policy.js';
import type { AdmissionPeer, AdmissionPolicy } from '../receive/admission.js';

type Dimse = Config['node']['dimse'];

function classesOf(accept: Dimse['accept']): ReadonlySet<string> | null {
  if (accept === 'all') return null;
  return accept === 'enhanceable' ? derivedClasses : new Set(accept);
}

async function readUser(name: string, { receive }: DicomPeer): Promise<AdmissionPeer['user']> {
  const { user } = receive;
  if (user === null || user.passcodeFile === null) return user && { name: user.name, passcode: null };
  try {
    const passcode = (await readFile(user.passcodeFile, 'utf8')).replace(/\r?\n$/, '');
    return { name: user.name, passcode };
  } catch (cause) {
    const path = `peers.${name}.receive.user.passcodeFile`;
    throw new LimpidError('CONFIG_INVALID', `${path}: ${user.passcodeFile} cannot be read`, { cause });
  }
}

/** @throws LimpidError CONFIG_INVALID: a passcode file cannot be read */
export async function admissionPolicy({ node, peers }: Pick<Config, 'node' | 'peers'>): Promise<AdmissionPolicy> {
  const admitted = dicomPeers(peers).map(async ([name, peer]): Promise<AdmissionPeer> => {
    const { aeTitle, from, tls, receive } = peer;
    const { store, accept, mismatch = node.dimse.mismatch } = receive;
    const { associations = node.dimse.associationsOfPeer } = receive;
    return {
      name,
      aeTitle,
      from: from.length === 0 ? null : from,
      tls: tls && { allowed: tls, plainCalls: tls.plainCalls },
      user: await readUser(name, peer),
      policy: { store, classes: classesOf(accept), mismatch, associations },
    };
  });
  return { aeTitles: [node.aeTitle], peers: await Promise.all(admitted), unknownCallers: node.unknownCallers };
}

/** Whether a peer's instances that come again with other bytes are kept. */
export function variantsOf({ node, peers }: Pick<Config, 'node' | 'peers'>): (peer: string) => 'keep' | 'refuse' {
  const own = new Map(dicomPeers(peers).map(([name, { receive }]) => [name, receive.duplicates]));
  return (peer) => own.get(peer) ?? node.dimse.duplicates;
}

export const negotiationOf = ({ accept, prefer }: Dimse): NegotiationPolicy => ({
  classes: classesOf(accept),
  prefer,
});

export function limitsOf(dimse: Dimse): Limits {
  const { associations, associationsOfPeer, associationsOfAddress, idleMs, maximumObjectBytes, maximumPdu } = dimse;
  const { diskMs: _ofStore, ...timers } = dimse.limits;
  return {
    ...defaultLimits,
    ...timers,
    associations,
    associationsOfPeer,
    associationsOfAddress,
    // who may hold so many associations may ask for them all at once
    waitingOfAddress: associationsOfPeer,
    idleMs,
    objectBytes: maximumObjectBytes,
    maximumLength: maximumPdu,
  };
}
