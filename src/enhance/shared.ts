/** A Float32Array that threads share without copying. */
export function sharedFloats(values: Float32Array): Float32Array {
  const out = new Float32Array(new SharedArrayBuffer(values.byteLength));
  out.set(values);
  return out;
}
