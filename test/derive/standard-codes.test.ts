import { describe, expect, it } from '@jest/globals';
import { standardCodes } from '../../src/derive/standard-codes.js';

const smoothing = { value: '113087', scheme: 'DCM', meaning: 'Smoothing' };
const own = (value: string) => ({ value, scheme: '99LIMPID', meaning: value });

describe('codes of the standard alone', () => {
  it.each(['NR', 'DSP'])('%s is smoothing', (value) => {
    expect(standardCodes([own(value)])).toEqual([smoothing]);
  });

  it('super-resolution is the resampling before it', () => {
    const resampling = { value: '113085', scheme: 'DCM', meaning: 'Spatial resampling' };
    expect(standardCodes([resampling, own('SR')])).toEqual([resampling]);
  });

  it('those of the standard stay', () => {
    const blur = { value: '113088', scheme: 'DCM', meaning: 'Gaussian blur' };
    expect(standardCodes([blur])).toEqual([blur]);
  });
});
