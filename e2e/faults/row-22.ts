// Row 22: NATS down for 60 s. Meanwhile every call is refused with 503 within a second; all services reconnect by themselves; readiness goes red, then green.
import type { RunningSystem } from '@waystation/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { complete, say, stream } from '../support/ask.ts';
import { audit, baseline, type Told } from '../support/audit.ts';
import { readiness, services } from '../support/metrics.ts';
import { story } from '../support/story.ts';
import { forgetTruth, truth } from '../support/truth.ts';
import { deadline, scaled, until } from '../support/wait.ts';

const DOWN_MS = 60_000;

export const row22 = (system: () => RunningSystem): void => {
  describe('row 22', () => {
    story('without NATS calls are refused at once, and everything comes back by itself', system, async () => {
      const before = await baseline(system());
      await forgetTruth(system());
      const told: Told[] = [];
      await system().kill('nats');
      const downUntil = performance.now() + scaled(DOWN_MS);

      await until('every service is not ready', deadline(5_000), async () => {
        const ready = await Promise.all(services(system()).map((name) => readiness(system(), name)));
        return ready.some(Boolean) ? undefined : true;
      });
      for (let index = 0; performance.now() < downUntil; index += 1) {
        const label = `row-22-${index}`;
        const body = { ...say('anybody there?'), sandbox: { label } };
        if (index % 2 === 0) {
          const answer = await complete(system(), body);
          told.push({
            label,
            generationId: answer.headers.get('x-generation-id') ?? undefined,
            content: '',
            whole: false,
          });
          expect({ status: answer.status, code: answer.json?.error?.code }).toEqual({ status: 503, code: 503 });
          expect(answer.ms).toBeLessThan(deadline(1_000));
        } else {
          const end = await stream(system(), body);
          told.push({ label, generationId: end.generationId, content: end.content, whole: false });
          expect({ status: end.status, code: end.error?.code }).toEqual({ status: 503, code: 503 });
          expect(end.ms).toBeLessThan(deadline(1_000));
        }
        await sleep(scaled(2_000));
      }
      expect(told.length).toBeGreaterThan(5);
      expect(await truth(system())).toEqual([]);

      await system().restartService('nats');
      await until('every service is ready', deadline(5_000), async () => {
        const ready = await Promise.all(services(system()).map((name) => readiness(system(), name)));
        return ready.every(Boolean) ? true : undefined;
      });
      const label = 'row-22-after';
      const after = await complete(system(), { ...say('good to be back'), sandbox: { label } });
      expect([after.status, after.json.choices[0].message.content]).toEqual([200, 'good to be back']);
      told.push({ label, generationId: after.json.id, content: 'good to be back', whole: true });
      await audit(system(), told, before);
    });

    story(
      'with NATS frozen instead of gone, the first call is refused within about a second, and the others at once',
      system,
      async () => {
        const before = await baseline(system());
        await forgetTruth(system());
        const told: Told[] = [];
        const refused = async (): Promise<number> => {
          const label = `row-22-frozen-${told.length}`;
          const { status, headers, json, ms } = await complete(system(), {
            ...say('anybody there?'),
            sandbox: { label },
          });
          told.push({ label, generationId: headers.get('x-generation-id') ?? undefined, content: '', whole: false });
          expect({ status, code: json?.error?.code }).toEqual({ status: 503, code: 503 });
          return ms;
        };
        // It leaves credit at hand: what is asked is how long a call waits for the journal.
        const first = await complete(system(), { ...say('all is well'), sandbox: { label: 'row-22-warm' } });
        told.push({ label: 'row-22-warm', generationId: first.json.id, content: 'all is well', whole: true });
        system().signal('nats', 'SIGSTOP');
        try {
          expect(await refused()).toBeLessThan(1_500);
          for (let index = 0; index < 3; index += 1) expect(await refused()).toBeLessThan(1_500);
        } finally {
          system().signal('nats', 'SIGCONT');
        }
        await until('it serves again', deadline(5_000), async () => {
          const label = `row-22-frozen-${told.length}`;
          const after = await complete(system(), { ...say('good to be back'), sandbox: { label } });
          const whole = after.status === 200;
          const generationId = after.headers.get('x-generation-id') ?? undefined;
          told.push({ label, generationId, content: whole ? 'good to be back' : '', whole });
          return whole ? true : undefined;
        });
        await audit(system(), told, before);
      },
    );
  });
};
