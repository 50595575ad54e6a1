// Random bytes for ids, drawn from the system in blocks: one call per hundred requests instead of one each.
import { randomFillSync } from 'node:crypto';

const block = Buffer.allocUnsafe(4096);
let used = block.length;

/** At most 4096 at once. The bytes are only valid until the next call. */
export const pooledRandomBytes = (size: number): Uint8Array => {
  if (used + size > block.length) {
    randomFillSync(block);
    used = 0;
  }
  const bytes = block.subarray(used, used + size);
  used += size;
  return bytes;
};
