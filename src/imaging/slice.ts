/** One slice in units of its modality (HU, counts), `[row][column]`, row-major; `values.length` is rows x columns. */
export interface Slice {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float32Array;
}
