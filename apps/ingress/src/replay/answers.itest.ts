// Answers in a real bucket: shared by two ingresses, sealed, expired, bounded, and no hindrance where NATS is gone.
import { randomBytes } from 'node:crypto';
import { connectBus, provisionStreams, type Bus } from '@waystation/bus';
import { ANSWER_BYTES_MAX, newApiKey, type AnswerEntry } from '@waystation/contracts';
import type { AnswerQuestion } from '@waystation/dialects';
import { natsServer, type TestNats } from '@waystation/testing';
import { placeOf, type AnswerPlace } from './answer-place.js';
import { createAnswers, type Answers, type GivenAnswer } from './answers.js';
import { secretOf } from './cache-wish.js';

let nats: TestNats;
let buses: Bus[];
let ingresses: [Answers, Answers];
let nowMs = 1_800_000_000_000;
const faults: string[] = [];

/** This machine may be busy. */
const PATIENT_MS = 20_000;
beforeAll(async () => {
  nats = await natsServer();
  buses = await Promise.all(
    [0, 1].map(() =>
      connectBus({
        url: nats.url,
        service: 'ingress',
        services: ['ingress'],
        release: 'test',
        times: { reconnectWaitMs: 50, journalAckTimeoutMs: PATIENT_MS, pingEveryMs: PATIENT_MS },
      }),
    ),
  );
  // Small, so that it fills up soon.
  await provisionStreams(buses[0] as Bus, { bucketBytesMax: 8 * 1024 * 1024 }, ['buckets']);
  ingresses = (await Promise.all(
    buses.map(async (bus) =>
      createAnswers({
        bucket: await bus.kv('answers'),
        answerMs: PATIENT_MS,
        nowMs: () => nowMs,
        onLookup: () => undefined,
        onFault: (_error, what) => void faults.push(what),
      }),
    ),
  )) as [Answers, Answers];
});
afterAll(async () => {
  await Promise.all(buses.map((bus) => bus.close(1_000)));
  await nats.stop();
});

const secret = secretOf(newApiKey(randomBytes));
const question = (text: string, changes: Partial<AnswerQuestion> = {}): AnswerQuestion => ({
  workspaceId: 'ws-1',
  keyHash: 'a'.repeat(64),
  policies: [],
  api: 'chat',
  stream: false,
  models: ['lab/small'],
  body: Buffer.from(JSON.stringify({ text })),
  ...changes,
});
const placed = (text: string, by = secret): AnswerPlace => {
  const place = placeOf(by, question(text));
  if (place === undefined) throw new Error('this is a question');
  return place;
};
const given = (data: string, tail?: string): GivenAnswer => ({
  kept: { generationId: `gen-1700000000-${'a'.repeat(20)}`, model: 'lab/small', finishReason: 'stop' },
  data: Buffer.from(data),
  tail,
});
const until = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
  for (const giveUpAt = Date.now() + 2 * PATIENT_MS; !(await holds());) {
    if (Date.now() > giveUpAt) throw new Error(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};
const isKept = async (place: AnswerPlace): Promise<boolean> => (await ingresses[1].find(place)) !== undefined;

test('what one ingress keeps another finds, byte for byte, its end apart', async () => {
  const place = placed('shared');
  expect(await ingresses[0].find(place)).toBeUndefined();
  ingresses[0].keep(place, given('é and so on', 'its end €'), 60);
  await until('it is kept', () => isKept(place));
  const found = await ingresses[1].find(place);
  expect([found?.data.toString(), found?.tail?.toString()]).toEqual(['é and so on', 'its end €']);
  expect(found?.kept).toMatchObject({ model: 'lab/small', finishReason: 'stop', keptAt: nowMs });
}, 120_000);

test('it is gone when its time is over, and when it is forgotten', async () => {
  const [short, cleared] = [placed('short'), placed('cleared')];
  ingresses[0].keep(short, given('short'), 1);
  ingresses[0].keep(cleared, given('cleared'), 60);
  await until('both are kept', async () => (await isKept(short)) && isKept(cleared));
  nowMs += 999;
  expect(await isKept(short)).toBe(true);
  nowMs += 1;
  expect(await isKept(short)).toBe(false);
  ingresses[0].forget(cleared);
  ingresses[0].keep(placed('behind it'), given('behind it'), 60);
  await until('what was kept behind it is there', () => isKept(placed('behind it')));
  expect(await isKept(cleared)).toBe(false);
}, 120_000);

test('nothing in the bucket says what was asked or answered, and nobody else can open it', async () => {
  const [mine, theirs] = [placed('a question'), placed('a question', secretOf(newApiKey(randomBytes)))];
  expect(mine.key).not.toBe(theirs.key);
  ingresses[0].keep(mine, given('a private answer'), 60);
  await until('it is kept', () => isKept(mine));
  const bucket = await (buses[0] as Bus).kv('answers');
  const entry = (await bucket.get(mine.key)) as AnswerEntry;
  expect(Buffer.from(entry.sealed, 'base64').includes('private')).toBe(false);
  expect(JSON.stringify(entry)).not.toContain('lab/small');
  // Somebody moves it, or lets it live longer, or reads it with another key: none of these is an answer.
  faults.length = 0;
  await bucket.put(theirs.key, entry);
  expect(await isKept(theirs)).toBe(false);
  await bucket.put(mine.key, { ...entry, expiresAt: entry.expiresAt + 1 });
  expect(await isKept(mine)).toBe(false);
  expect(await isKept({ ...mine, sealKey: theirs.sealKey })).toBe(false);
  await bucket.put(mine.key, { surprise: true });
  expect(await isKept(mine)).toBe(false);
  expect(faults).toEqual(Array(4).fill('looking for a kept answer'));
}, 120_000);

test('an answer that is too long is not kept, one that just fits is', async () => {
  faults.length = 0;
  const [fits, long] = [placed('fits'), placed('long')];
  ingresses[0].keep(long, given('x'.repeat(ANSWER_BYTES_MAX), 'y'), 60);
  ingresses[0].keep(fits, given('x'.repeat(ANSWER_BYTES_MAX)), 60);
  await until('it is kept', () => isKept(fits));
  expect(await isKept(long)).toBe(false);
  expect(faults).toEqual([]);
}, 120_000);

test('a full bucket drops its oldest and goes on', async () => {
  faults.length = 0;
  const places = Array.from({ length: 20 }, (_each, ordinal) => placed(`one of many ${ordinal}`));
  for (const place of places) {
    ingresses[0].keep(place, given('x'.repeat(ANSWER_BYTES_MAX)), 60);
    await until('it is kept', () => isKept(place));
  }
  expect(await isKept(places[0] as AnswerPlace)).toBe(false);
  expect(faults).toEqual([]);
}, 120_000);

test('without NATS nothing is found, and nobody is failed', async () => {
  const place = placed('outage');
  ingresses[0].keep(place, given('outage'), 60);
  await until('it is kept', () => isKept(place));
  await nats.kill();
  await until('it is noticed', async () => buses.every(({ state }) => state !== 'connected'));
  expect(await isKept(place)).toBe(false);
  ingresses[0].keep(place, given('outage'), 60);
  ingresses[0].forget(place);
  await nats.restart();
  await until('it works again', async () => {
    ingresses[0].keep(place, given('again'), 60);
    return (await ingresses[1].find(place))?.data.toString() === 'again';
  });
}, 120_000);
