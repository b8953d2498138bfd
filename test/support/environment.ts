// Jest replaces typed arrays by its own realm's; onnxruntime's addon compares with the host's class and refuses them.
import type { JestEnvironmentConfig, EnvironmentContext } from '@jest/environment';
import { TestEnvironment } from 'jest-environment-node';

const hostClasses = {
  ArrayBuffer,
  BigInt64Array,
  BigUint64Array,
  Float32Array,
  Float64Array,
  Int16Array,
  Int32Array,
  Int8Array,
  Uint16Array,
  Uint32Array,
  Uint8Array,
  Uint8ClampedArray,
};

/** Jest's Node environment with the host's typed arrays. */
export default class HostTypedArrays extends TestEnvironment {
  constructor(config: JestEnvironmentConfig, context: EnvironmentContext) {
    super(config, context);
    Object.assign(this.global, hostClasses);
  }
}
