// A guardrail with content filters, from its making to its end: what a key under it sends is blocked before anybody is asked, or redacted; what comes back is redacted across the pieces of
// a stream; the verdict is in the record, and what was found is nowhere.
import type { RunningSystem } from '@waystation/testing';
import { ask, complete, say, stream } from '../support/ask.ts';
import { manage, newGuardrail, newKey } from '../support/priced-lab.ts';
import { story } from '../support/story.ts';
import { truth } from '../support/truth.ts';
import { until } from '../support/wait.ts';

const KNOWN_WITHIN_MS = 20_000;
const CARD = '4111 1111 1111 1111';
const MAIL = 'jane.doe@example.com';

export const contentFilters = (system: () => RunningSystem): void => {
  describe('content filters', () => {
    story('block, redact and flag, in and out, and tell of it without telling what', system, async () => {
      const guardrail = await newGuardrail(system(), {
        content_filters: [{ pattern: '(?i)project zebra', action: 'redact', label: '[PROJECT]' }],
        content_filter_builtins: [
          { slug: 'credit-card', action: 'block' },
          { slug: 'email', action: 'redact', applies_to: 'output' },
          { slug: 'ip-address', action: 'flag' },
        ],
      });
      const { key, hash } = await newKey(system(), {});
      await manage(system(), 'POST', `/guardrails/${guardrail}/assignments/keys`, { key_hashes: [hash] });
      const label = `filters-${Date.now()}`;
      const asked = (text: string): Record<string, unknown> => ({ ...say(text), sandbox: { label } });

      const blocked = await until('it is in force', KNOWN_WITHIN_MS, async () => {
        const answer = await complete(system(), say(`pay with ${CARD}`), { key });
        return answer.status === 403 ? answer : undefined;
      });
      expect(blocked.json.error).toMatchObject({
        code: 403,
        message: 'Request blocked by content filter: [CREDIT_CARD]',
        metadata: { guardrail_id: guardrail },
      });
      expect((await complete(system(), asked(`pay with ${CARD}`), { key })).status).toBe(403);
      expect((await truth(system())).filter((call) => call.label === label)).toEqual([]);
      // Who is not under it is not looked at.
      expect((await complete(system(), say(`pay with ${CARD}`))).json.choices[0].message.content).toContain(CARD);

      const text = `Project Zebra is known to ${MAIL} at 10.1.2.3. ${'It goes on and on. '.repeat(40)}Ask ${MAIL}.`;
      const expected = text.replace('Project Zebra', '[PROJECT]').replaceAll(MAIL, '[EMAIL]');
      const answer = await complete(system(), asked(text), { key, headers: { 'x-openrouter-metadata': 'enabled' } });
      expect(answer.json.choices[0].message.content).toBe(expected);
      expect(answer.json.openrouter_metadata.pipeline).toEqual(
        expect.arrayContaining([
          expect.objectContaining({ type: 'guardrail', guardrail_id: guardrail, guardrail_scope: 'key' }),
        ]),
      );
      const streamed = await stream(system(), asked(text), { key });
      expect([streamed.content, streamed.done]).toEqual([expected, true]);
      expect(streamed.text).not.toContain('jane');

      for (const id of [answer.headers.get('x-generation-id') ?? '', streamed.generationId ?? '']) {
        const record = await until('it is recorded', KNOWN_WITHIN_MS, async () => {
          const {
            status,
            json,
            text: said,
          } = await ask(system(), 'GET', `/api/v1/generation?id=${id}`, undefined, { key });
          return status === 200 && json.data.content_filters.length > 0 ? { json, said } : undefined;
        });
        expect(record.said).not.toContain('jane');
        expect(record.json.data.content_filters).toEqual(
          expect.arrayContaining([
            { guardrail_id: guardrail, filter: '[PROJECT]', action: 'redact', side: 'input', count: 1 },
            { guardrail_id: guardrail, filter: '[IP_ADDRESS]', action: 'flag', side: 'input', count: 1 },
            { guardrail_id: guardrail, filter: '[EMAIL]', action: 'redact', side: 'output', count: 2 },
          ]),
        );
      }

      const broken = await ask(
        system(),
        'PATCH',
        `/api/v1/guardrails/${guardrail}`,
        { content_filters: [{ pattern: 'a(?=b)', action: 'block' }] },
        { key: system().managementKey },
      );
      expect([broken.status, broken.json.error.metadata]).toMatchObject([
        400,
        { reason: 'invalid_regex_pattern', position: 1 },
      ]);
      await manage(system(), 'DELETE', `/guardrails/${guardrail}`);
      await until('it binds nobody any more', KNOWN_WITHIN_MS, async () =>
        (await complete(system(), say(`pay with ${CARD}`), { key })).status === 200 ? true : undefined,
      );
    });
  });
};
