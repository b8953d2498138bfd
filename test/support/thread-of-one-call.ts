// A thread that answers one method, and dies of another.
import { serve } from '../../src/threads/thread.js';

serve({
  double: (argument: number) => Promise.resolve({ value: 2 * argument }),
  die: () => process.exit(1),
});
