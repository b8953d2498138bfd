/**
 * Acts on a job that was in some state a moment ago: between look and act it may have begun or gone, which is no fault; and it may have
 * come back since: then it is acted on again.
 *
 * @returns false where it had begun or gone
 */
export async function stillSo(act: () => Promise<void>, isSo: () => Promise<boolean>): Promise<boolean> {
  try {
    await act();
  } catch {
    if (!(await isSo())) return false;
    await act();
  }
  return true;
}
