// Row 10: the same idempotency key 50 times at once, and with another body. One upstream call, one charge, the rest 409 that names the generation; 422.
import type { RunningSystem } from '@waystation/testing';
import { complete, say, stream, type Answer } from '../support/ask.ts';
import { audit, baseline, type Told } from '../support/audit.ts';
import { story } from '../support/story.ts';
import { forgetTruth, truth } from '../support/truth.ts';

const AT_ONCE = 50;

const metadataOf = ({ json }: Answer): { readonly waystation_code?: string; readonly generation_id?: string } =>
  json?.error?.metadata ?? {};

export const row10 = (system: () => RunningSystem): void => {
  describe('row 10', () => {
    story('fifty at once with one key are one call and one charge, and another body is 422', system, async (random) => {
      const before = await baseline(system());
      await forgetTruth(system());
      const label = 'row-10';
      const headers = { 'idempotency-key': `row-10-${random.whole(0, 2 ** 30)}-${Date.now()}` };
      const script = { label, outputTokens: 40, tokenDelayMs: 10 };
      const body = { ...say('only once'), sandbox: script };

      const answers = await Promise.all(Array.from({ length: AT_ONCE }, () => complete(system(), body, { headers })));
      const [served, ...more] = answers.filter(({ status }) => status === 200);
      const generationId: string = served?.json?.id;
      expect([typeof generationId, more.length]).toEqual(['string', 0]);
      const rest = answers.filter((answer) => answer !== served);
      expect(rest.map((answer) => [answer.status, metadataOf(answer).generation_id])).toEqual(
        Array.from({ length: AT_ONCE - 1 }, () => [409, generationId]),
      );
      expect(new Set(rest.map((answer) => metadataOf(answer).waystation_code))).toContain('idempotency_in_progress');

      const repeated = await complete(system(), body, { headers });
      expect([repeated.status, metadataOf(repeated)]).toEqual([
        409,
        expect.objectContaining({ waystation_code: 'idempotency_finished', generation_id: generationId }),
      ]);
      const other = await complete(system(), { ...say('something else'), sandbox: script }, { headers });
      expect([other.status, metadataOf(other)]).toEqual([
        422,
        expect.objectContaining({ waystation_code: 'idempotency_mismatch', generation_id: generationId }),
      ]);
      const streamed = await stream(system(), body, { headers });
      expect([streamed.status, streamed.error?.code]).toEqual([422, 422]);

      expect(await truth(system())).toHaveLength(1);
      const told: Told = { label, generationId, content: served?.json.choices[0].message.content, whole: true };
      const { records, charges } = await audit(system(), [told], before);
      expect([...records.keys()]).toEqual([generationId]);
      expect([...charges.values()].flat().filter(({ payer }) => payer === 'credits')).toHaveLength(1);
    });
  });
};
