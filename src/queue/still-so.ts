/**
 * Acts on a job that was in some state a moment ago: between look and act it may have begun or gone, which is no fault.
 *
 * @returns false where it had
 */
export async function stillSo(act: () => Promise<void>, isSo: () => Promise<boolean>): Promise<boolean> {
  try {
    await act();
    return true;
  } catch (error) {
    if (await isSo()) throw error;
    return false;
  }
}
