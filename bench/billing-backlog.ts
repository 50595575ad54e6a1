// Writes a backlog of money lines, one JSON text a line: three for each generation, as worker and ingress journal them, those of a hundred generations interleaved.
// A process of its own, so that making the backlog leaves no trace in the memory that is measured. Arguments: file, generations, tags of
// each generation.
import { closeSync, openSync, writeSync } from 'node:fs';
import { loadBilling } from './billing-product.ts';
import { KEYS, keyHashOf, leaseOf, workspaceOf } from './billing-world.ts';

const INTERLEAVED = 100;

const [file = '', count = '0', tagCount = '0'] = process.argv.slice(2);
const { attemptFinished, attemptStarted, generationFinished, newGeneration } = await loadBilling();

const out = openSync(file, 'w');
for (let done = 0; done < Number(count); done += INTERLEAVED) {
  const stories = Array.from({ length: Math.min(INTERLEAVED, Number(count) - done) }, (_, index) => {
    const key = (done + index) % KEYS;
    const about = {
      generationId: newGeneration(),
      workspaceId: workspaceOf(key),
      keyHash: keyHashOf(key),
      leaseId: leaseOf(key),
      hold: 1_000_000n,
      provider: `provider-${key % 5}`,
      tags: Array.from({ length: Number(tagCount) }, (_each, tag) => `tag-${tag}-${key % 10 ** tag}`),
    };
    const usage = { input: 200 + (done % 300), cacheRead: 64, output: 50 + key, reasoning: 12 };
    return [attemptStarted(about), attemptFinished(about, { usage }), generationFinished(about, { usage })];
  });
  const lines = [0, 1, 2].flatMap((part) => stories.map((story) => JSON.stringify(story[part])));
  writeSync(out, `${lines.join('\n')}\n`);
}
closeSync(out);
