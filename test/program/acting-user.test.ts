import { describe, expect, it } from '@jest/globals';
import { actingUser } from '../../src/program/acting-user.js';

const account = (): string => 'limpid';
const noAccount = (): string => {
  throw new Error('ENOENT: no such file or directory, uv_os_get_passwd');
};

describe('who acts', () => {
  it('is the account of the process, and behind sudo the one who called it', () => {
    expect(actingUser({}, account, 998)).toBe('limpid');
    expect(actingUser({ SUDO_USER: '' }, account, 998)).toBe('limpid');
    expect(actingUser({ SUDO_USER: 'meier' }, account, 998)).toBe('meier');
  });

  it('is a number in a container whose number no account has', () => {
    expect(actingUser({}, noAccount, 12_345)).toBe('user 12345');
    expect(actingUser({}, noAccount, undefined)).toBe('unknown');
  });
});
