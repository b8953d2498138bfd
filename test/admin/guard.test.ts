import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { callerOf, hostOf, isLoopback, isMeantForHere } from '../../src/admin/guard.js';

describe('guard', () => {
  it('knows loopback addresses', () => {
    for (const host of ['127.0.0.1', '127.9.9.9', '::1', '[::1]', 'localhost', 'LOCALHOST'])
      expect(isLoopback(host)).toBe(true);
    for (const host of [
      '0.0.0.0',
      '::',
      '128.0.0.1',
      '127.0.0.1.nip.io',
      '127.1',
      '',
      'localhost.example',
      '1127.0.0.1',
    ])
      expect(isLoopback(host)).toBe(false);
  });

  it('takes host and port apart', () => {
    expect(hostOf('localhost:80')).toBe('localhost');
    expect(hostOf('[::1]:80')).toBe('[::1]');
    for (const value of ['', 'a:b', 'a b', 'user@localhost', 'localhost:80:80', 'localhost/x', '::1'])
      expect(hostOf(value)).toBeNull();
  });

  it.each<[string, string, readonly string[], string | undefined]>([
    ['the Host header', '/api', ['Accept', 'host', 'Host', 'localhost'], 'localhost'],
    ['of several nobody knows which', '/api', ['Host', 'localhost', 'HOST', 'evil.example'], undefined],
    ['none', '/api', [], undefined],
    [
      'a target in absolute form goes before it',
      'http://evil.example:80/api',
      ['Host', 'localhost'],
      'evil.example:80',
    ],
    ['a path that holds one is none', '/api?to=http://evil.example', ['Host', 'localhost'], 'localhost'],
  ])('knows whom a request is for: %s', (_name, url, rawHeaders, host) => {
    expect(callerOf({ url, rawHeaders, headers: {} })).toEqual({ host, origin: undefined });
  });

  it('lets no host through that is not loopback, whatever the header is', () => {
    fc.assert(
      fc.property(fc.string(), (host) => {
        if (isMeantForHere({ host, origin: undefined })) {
          expect(host).toMatch(/^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i);
        }
      }),
    );
    expect(isMeantForHere({ host: undefined, origin: undefined })).toBe(false);
  });
});
