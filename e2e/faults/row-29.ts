// Row 29: a provider answers 200, and then the first event is an error, or nothing comes at all. A failed attempt and a fallback, of which the client sees nothing.
import type { RunningSystem, UpstreamScript } from '@waystation/testing';
import { say, stream } from '../support/ask.ts';
import { answerAs, modelOf, type SteadyLabs } from '../support/steady-lab.ts';
import { story } from '../support/story.ts';

const chunk = (delta: object, finish: string | null) => ({
  ...{ id: 'c-1', object: 'chat.completion.chunk', created: 1, model: 'm' },
  choices: [{ index: 0, delta, finish_reason: finish }],
});
const streamed =
  (...lines: unknown[]): UpstreamScript =>
  (_request, reply) =>
    reply.sse([...lines, '[DONE]']);

const FAULTS: Readonly<Record<string, UpstreamScript>> = {
  'an error as its first event': streamed({ error: { message: 'out of memory', code: 500 } }),
  'an empty completion': streamed(chunk({ role: 'assistant', content: '' }, null), chunk({}, 'stop')),
  'nothing at all': (_request, reply) => reply.sse([]),
};

export const row29 = (system: () => RunningSystem, labs: () => SteadyLabs): void => {
  describe('row 29', () => {
    for (const [name, fault] of Object.entries(FAULTS))
      story(`the client sees nothing of ${name}`, system, async () => {
        const { cheap, steady } = labs();
        cheap.script(fault);
        steady.script(streamed(chunk({ role: 'assistant', content: 'steady' }, null), chunk({}, 'stop')));
        const asked = cheap.requests.length;
        const end = await stream(system(), { ...say('hello', modelOf('scripted')), provider: { sort: 'price' } });
        expect(cheap.requests).toHaveLength(asked + 1);
        expect([end.status, end.content, end.error, end.done]).toEqual([200, 'steady', undefined, true]);
        expect(end.text).not.toMatch(/out of memory|"error"/);
        cheap.script(answerAs('cheap'));
        steady.script(answerAs('steady'));
      });
  });
};
