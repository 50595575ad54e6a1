// A bucket that does not answer holds nobody up.
import { randomBytes } from 'node:crypto';
import type { KvBucket } from '@waystation/bus';
import { newApiKey } from '@waystation/contracts';
import { placeOf } from './answer-place.js';
import { createAnswers } from './answers.js';
import { secretOf } from './cache-wish.js';

const never = <Value>(): Promise<Value> => new Promise(() => undefined);

it('what does not come in time is not there, and the look-up counts as one that found nothing', async () => {
  const faults: string[] = [];
  const lookups: boolean[] = [];
  const unused = (): never => {
    throw new Error('nobody asks for this');
  };
  const bucket: KvBucket = { get: never, create: unused, put: never, delete: never, keys: unused, watch: unused };
  const answers = createAnswers({
    ...{ bucket, answerMs: 1, nowMs: Date.now },
    onLookup: (found) => void lookups.push(found),
    onFault: (error, what) => void faults.push(`${what}: ${String(error)}`),
  });
  const place = placeOf(secretOf(newApiKey(randomBytes)), {
    ...{ workspaceId: 'w', keyHash: 'k', policies: [], api: 'chat', stream: false, models: [] },
    body: Buffer.from('{}'),
  });
  if (place === undefined) throw new Error('this is a question');
  expect(await answers.find(place)).toBeUndefined();
  expect(lookups).toEqual([false]);
  expect(faults).toEqual(['looking for a kept answer: Error: the bucket did not answer within 1 ms']);
});
