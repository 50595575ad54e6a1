// Row 25: malformed bytes, wrong schemas and unknown versions on every subject. The services stay, a caller gets an error, and a bad fact goes to the dead
// letters while the good ones around it are booked.
import type { RunningSystem } from '@waystation/testing';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NatsConnection } from '@nats-io/transport-node';
import * as contracts from '@waystation/contracts';
import { complete, say, stream } from '../support/ask.ts';
import { audit, baseline, type Told } from '../support/audit.ts';
import { withNats } from '../support/jetstream.ts';
import { metric } from '../support/metrics.ts';
import { story } from '../support/story.ts';
import { forgetTruth } from '../support/truth.ts';
import { until } from '../support/wait.ts';

const { SUBJECTS } = contracts;

type AnyContract = { kind: string; name: string; subject?: string; subjectOf?: (key: string) => string };
const isContract = (value: unknown): value is AnyContract =>
  typeof value === 'object' &&
  value !== null &&
  'kind' in value &&
  ['rpc', 'stream', 'signal'].includes(String(value.kind));
const CONTRACTS = Object.values<unknown>({ ...contracts }).filter(isContract);

const hot = (metadata: unknown, body = ''): Uint8Array => contracts.encodeHotMessage(metadata, Buffer.from(body));
/** As a request of ours would look but for one fault. */
const now = () => ({ v: 1, s: Date.now(), d: Date.now() + 2_000, w: 1_000 });
const MALFORMED: [string, () => Uint8Array][] = [
  ['nothing', () => new Uint8Array()],
  ['random bytes', () => randomBytes(300)],
  ['a length beyond the end', () => Buffer.from([0xff, 0xff, 0x7b])],
  ['JSON alone', () => Buffer.from('{"v":1}')],
  ['half a JSON', () => Buffer.from('{"v":1,"principal":{')],
  ['metadata that is no object', () => hot([1, 2, 3])],
  ['an unknown version', () => hot({ ...now(), v: 99 }, '{"v":99}')],
  ['a wrong schema', () => hot({ ...now(), request: { v: 1, attemptId: 7 } }, '{"v":1,"leaseId":[],"models":7}')],
  ['a body that is not JSON', () => hot({ ...now(), request: null }, '\u0000\u0001')],
  [
    '__proto__',
    () => hot({ ...now(), request: { v: 1, __proto__: { admin: true } } }, '{"v":1,"__proto__":{"principal":{}}}'),
  ],
  ['an announced body that never comes', () => hot({ ...now(), p: 10_000_000, request: { v: 1 } })],
  ['a long one', () => Buffer.alloc(500_000, '{')],
];

const instances = async (nats: NatsConnection): Promise<string[]> => {
  const seen = new Set<string>();
  const subscription = nats.subscribe(SUBJECTS.aliveAny, {
    callback: (_error, message) => void seen.add(message.subject.split('.').at(-1) ?? ''),
  });
  await sleep(1_500);
  subscription.unsubscribe();
  return [...seen];
};

export const row25 = (system: () => RunningSystem): void => {
  describe('row 25', () => {
    story('no message stops a service, and callers get an error', system, async () => {
      const before = await baseline(system());
      await forgetTruth(system());
      const lettersBefore = {
        billing: await metric(system(), 'billing', 'waystation_billing_dead_letters_total'),
        logging: await metric(system(), 'logging', 'waystation_logging_trail_dead_letters_total'),
      };
      const told: Told[] = [];
      // A stream that runs through all of it must not notice.
      const content = 'undisturbed '.repeat(40);
      const through = stream(system(), { ...say(content), sandbox: { label: 'row-25-through', tokenDelayMs: 40 } });

      await withNats(system(), async (nats) => {
        const running = await instances(nats);
        expect(running.length).toBeGreaterThan(1);
        const unanswered: string[] = [];
        for (const contract of CONTRACTS) {
          const subjects =
            contract.subject === undefined
              ? (contract.kind === 'signal' ? running : ['sandbox']).map((key) => contract.subjectOf?.(key) ?? '')
              : [contract.subject];
          for (const subject of subjects) {
            for (const [what, bytes] of MALFORMED) {
              if (contract.kind === 'signal') {
                nats.publish(subject, bytes());
                continue;
              }
              const answer = await errorTo(nats, subject, bytes());
              if (answer === undefined) unanswered.push(`${contract.name}: ${what}`);
            }
          }
        }
        // Inboxes: what a peer might send by mistake.
        for (const instance of running) {
          const service = instance.replace(/-[0-9a-z]+$/, '');
          for (const [, bytes] of MALFORMED) {
            nats.publish(SUBJECTS.inbox(service, instance), bytes());
            nats.publish(`${SUBJECTS.inbox(service, instance)}.1`, bytes());
          }
        }
        // Facts, beside good ones that the requests below make.
        const batch = (lines: unknown[]) =>
          Buffer.from(
            JSON.stringify({
              v: 1,
              batch: `operator-${randomBytes(4).toString('hex')}`,
              instance: 'operator-x',
              lines,
            }),
          );
        for (const subject of [SUBJECTS.moneyFact('operator-x'), SUBJECTS.trailFact('operator-x')]) {
          for (const [, bytes] of MALFORMED) nats.publish(subject, bytes());
          nats.publish(
            subject,
            batch([
              { kind: 'nonsense' },
              null,
              7,
              { kind: 'attempt.started', v: 1 },
              { kind: 'generation.finished', v: 99 },
            ]),
          );
        }
        await nats.flush();
        // A part that never comes is given up without an answer; nobody may wait for it here.
        expect(unanswered.filter((each) => !each.endsWith('never comes'))).toEqual([]);
      });

      for (let index = 0; index < 10; index += 1) {
        const label = `row-25-${index}`;
        const { status, json } = await complete(system(), { ...say(`still ${index}`), sandbox: { label } });
        expect([status, json.choices?.[0]?.message?.content]).toEqual([200, `still ${index}`]);
        told.push({ label, generationId: json.id, content: `still ${index}`, whole: true });
      }
      const end = await through;
      expect([end.done, end.error, end.content]).toEqual([true, undefined, content]);
      told.push({ label: 'row-25-through', ...end, whole: true });

      await until('bad facts are in the dead letters', 15_000, async () => {
        const billing =
          (await metric(system(), 'billing', 'waystation_billing_dead_letters_total')) - lettersBefore.billing;
        const logging =
          (await metric(system(), 'logging', 'waystation_logging_trail_dead_letters_total')) - lettersBefore.logging;
        return billing >= 5 && logging >= 5 ? true : undefined;
      });
      await audit(system(), told, before);
    });

    /** An answer that says it is an error: an rpc's reply begins with 0, a stream's is a frame of kind `error` (or `busy`). */
    const errorTo = (nats: NatsConnection, subject: string, bytes: Uint8Array): Promise<string | undefined> =>
      new Promise((resolve) => {
        // As the inbox of a process of ours is spelled; a worker answers nobody else.
        const inbox = `${SUBJECTS.inbox('operator', 'operator-e2e')}.${randomBytes(8).toString('hex')}`;
        const done = (answer: string | undefined): void => {
          clearTimeout(timer);
          subscription.unsubscribe();
          resolve(answer);
        };
        const timer = setTimeout(() => done(undefined), 3_000);
        const subscription = nats.subscribe(inbox, {
          callback: (_error, message) => {
            if (message.data.length > 0 && message.data[0] === 0) done('an error reply');
            else if (message.data.length >= contracts.FRAME_HEADER_BYTES) {
              const { kind } = contracts.decodeFrame(message.data);
              if (kind === 'error' || kind === 'busy') done(kind);
            }
          },
        });
        nats.publish(subject, bytes, { reply: inbox });
      });
  });
};
