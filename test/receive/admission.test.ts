// Who may call: AE title, address, user identity. Certificates: test/io/dimse/tls.test.ts.
import { describe, expect, it } from '@jest/globals';
import type { UserIdentity } from '../../src/io/dimse/associate-pdu.js';
import { type AdmissionPeer, type AdmissionPolicy, admit } from '../../src/receive/admission.js';

const policy = { store: 'allow', classes: null, mismatch: 'refuse', associations: 8 } as const;
const peer = (change: Partial<AdmissionPeer>): AdmissionPeer => ({
  name: 'ct1',
  aeTitle: 'CT1',
  from: null,
  tls: null,
  user: null,
  policy,
  ...change,
});
const site = (peers: readonly AdmissionPeer[], unknownCallers: AdmissionPolicy['unknownCallers'] = 'refuse') => ({
  aeTitles: ['LIMPID'],
  peers,
  unknownCallers,
});
const call = (change: Partial<Parameters<typeof admit>[0]> = {}) => ({
  callingAe: 'CT1',
  calledAe: 'LIMPID',
  address: '10.0.0.1',
  security: { kind: 'plain' } as const,
  identity: null,
  ...change,
});
const triple = (answer: ReturnType<typeof admit>) =>
  answer.kind === 'admit' ? answer.peer : `${answer.result}/${answer.source}/${answer.reason}`;

describe('a peer that must call over TLS', () => {
  const certificate = { fingerprint: 'aa', subject: ['CN=ct1'] };
  const over = (shown: typeof certificate | null) =>
    call({ security: { kind: 'tls', protocol: 'TLSv1.3', certificate: shown } });
  const listed = { fingerprints: ['aa'], subjects: [] };
  const any = { fingerprints: [], subjects: [] };
  it.each<[string, string, AdmissionPeer['tls'], ReturnType<typeof call>]>([
    ['with the certificate that is listed', 'ct1', { allowed: listed, plainCalls: 'refuse' }, over(certificate)],
    [
      'with another',
      '1/1/3',
      { allowed: { ...listed, fingerprints: ['bb'] }, plainCalls: 'refuse' },
      over(certificate),
    ],
    ['with none, where one is listed', '1/1/3', { allowed: listed, plainCalls: 'refuse' }, over(null)],
    ['with none, where none is listed', 'ct1', { allowed: any, plainCalls: 'refuse' }, over(null)],
    ['plainly', '1/1/3', { allowed: any, plainCalls: 'refuse' }, call()],
    ['plainly, where the site lets it', 'ct1', { allowed: listed, plainCalls: 'accept' }, call()],
    ['with none, where it may call plainly', '1/1/3', { allowed: listed, plainCalls: 'accept' }, over(null)],
  ])('%s', (_name, expected, tls, calling) => {
    expect(triple(admit(calling, site([peer({ tls })]), null))).toBe(expected);
  });
});

describe('admission', () => {
  it.each<[string, string, AdmissionPolicy, ReturnType<typeof call>]>([
    ['a peer', 'ct1', site([peer({})]), call()],
    ['outer spaces', 'ct1', site([peer({})]), call({ callingAe: ' CT1 ' })],
    ['outer characters that are no spaces', '1/1/3', site([peer({})]), call({ callingAe: '\u00a0CT1' })],
    ['another case', '1/1/3', site([peer({})]), call({ callingAe: 'ct1' })],
    ['another node', '1/1/7', site([peer({})]), call({ calledAe: 'OTHER' })],
    ['nobody known', '1/1/3', site([]), call()],
    ['anybody', 'unknown', site([], 'accept'), call()],
    ['its address', 'ct1', site([peer({ from: ['10.0.0.1'] })]), call()],
    ['its address, mapped', 'ct1', site([peer({ from: ['10.0.0.1'] })]), call({ address: '::ffff:10.0.0.1' })],
    ['its network', 'ct1', site([peer({ from: ['10.9.0.0/16', '10.0.0.0/24'] })]), call()],
    ['another network', '1/1/3', site([peer({ from: ['10.0.1.0/24', '::/0'] })]), call()],
    ['its IPv6 network', 'ct1', site([peer({ from: ['2001:DB8::/32'] })]), call({ address: '2001:db8:0:1::7' })],
    ['its IPv6 address', 'ct1', site([peer({ from: ['FE80::7'] })]), call({ address: 'fe80:0::7%eth0' })],
    ['no address any more', '1/1/3', site([peer({ from: ['0.0.0.0/0', '::/0'] })]), call({ address: '' })],
    ['another address', '1/1/3', site([peer({ from: ['10.0.0.2'] })]), call()],
    [
      'another address of a known title, where anybody may',
      '1/1/3',
      site([peer({ from: ['10.0.0.2'] })], 'accept'),
      call(),
    ],
    [
      'the same title twice, by address',
      'second',
      site([peer({ from: ['10.0.0.2'] }), peer({ name: 'second', from: ['10.0.0.1'] })]),
      call(),
    ],
  ])('%s: %s', (_, expected, rules, request) => {
    expect(triple(admit(request, rules, null))).toBe(expected);
  });

  it('a node that cannot take anything says so before all else', () => {
    expect(triple(admit(call({ calledAe: 'OTHER' }), site([]), 'draining'))).toBe('2/3/1');
  });
});

describe('user identity', () => {
  const given = (type: number, name: string, passcode = ''): UserIdentity => ({
    type,
    positiveResponse: true,
    primary: Buffer.from(name),
    secondary: Buffer.from(passcode),
  });
  const answer = (user: AdmissionPeer['user'], identity: UserIdentity | null) => {
    const decided = admit(call({ identity }), site([peer({ user })]), null);
    return decided.kind === 'admit' ? decided.identity : triple(decided);
  };
  it.each([1, 2, 3, 4, 5])('type %d is read, and ignored unless the site asks for one', (type) => {
    expect(answer(null, given(type, 'anybody', 'x'))).toBe('ignored');
  });
  it('a name, with a passcode or without', () => {
    const name = { name: 'tech', passcode: null };
    expect(answer(name, given(1, 'tech'))).toBe('checked');
    expect(answer(name, given(2, 'tech', 'whatever'))).toBe('checked');
    expect(answer(name, given(1, 'other'))).toBe('1/1/1');
    expect(answer(name, null)).toBe('1/1/1');
    const both = { name: 'tech', passcode: 'séame' };
    expect(answer(both, given(2, 'tech', 'séame'))).toBe('checked');
    expect(answer(both, given(2, 'tech', 'sesame'))).toBe('1/1/1');
    expect(answer(both, given(1, 'tech'))).toBe('1/1/1');
  });
  it.each([3, 4, 5])('a ticket of type %d is no name, though its bytes are', (type) => {
    expect(answer({ name: 'tech', passcode: null }, given(type, 'tech'))).toBe('1/1/1');
  });

  it('tells peers behind one AE title apart', () => {
    const named = (name: string) => peer({ name, user: { name, passcode: null } });
    const peers = site([named('ward'), named('clinic')]);
    const who = (identity: UserIdentity | null) => triple(admit(call({ identity }), peers, null));
    expect([who(given(1, 'ward')), who(given(1, 'clinic'))]).toEqual(['ward', 'clinic']);
    expect([who(given(1, 'lab')), who(null)]).toEqual(['1/1/1', '1/1/1']);
  });
});
