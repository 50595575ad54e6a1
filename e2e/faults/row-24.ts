// Row 24: an 8 MB image request works, without a message over the limit and with nothing at rest; 60 MB are refused with 413 before they are all read.
import type { RunningSystem } from '@waystation/testing';
import { randomBytes } from 'node:crypto';
import { complete, stream } from '../support/ask.ts';
import { audit, baseline, type Told } from '../support/audit.ts';
import { atRestBytes } from '../support/jetstream.ts';
import { metric } from '../support/metrics.ts';
import { story } from '../support/story.ts';
import { forgetTruth, truth } from '../support/truth.ts';

const IMAGE_BYTES = 8_000_000;
const LIMIT_BYTES = 32 * 1024 * 1024;

/** An image that repeats nothing, so that a lost or doubled part would show. */
const imageMessage = (text: string) => [
  { type: 'text', text },
  { type: 'image_url', image_url: { url: `data:image/png;base64,${randomBytes(IMAGE_BYTES).toString('base64')}` } },
];

export const row24 = (system: () => RunningSystem): void => {
  describe('row 24', () => {
    story('an 8 MB image goes through in parts and leaves nothing behind', system, async () => {
      const before = await baseline(system());
      const restBefore = await atRestBytes(system());
      await forgetTruth(system());
      const told: Told[] = [];
      const body = (label: string) => ({
        model: 'sandbox/echo',
        messages: [{ role: 'user', content: imageMessage(`what is this? ${label}`) }],
        max_tokens: 100,
        sandbox: { label },
      });

      const whole = await complete(system(), body('row-24-whole'));
      expect({ status: whole.status, error: whole.json?.error }).toEqual({ status: 200, error: undefined });
      expect(whole.json.choices[0].message.content).toBe('what is this? row-24-whole');
      told.push({
        label: 'row-24-whole',
        generationId: whole.json.id,
        content: 'what is this? row-24-whole',
        whole: true,
      });

      const streams = await Promise.all(
        ['row-24-a', 'row-24-b', 'row-24-c'].map(async (label) => ({
          label,
          ...(await stream(system(), body(label))),
        })),
      );
      for (const end of streams)
        expect([end.done, end.error, end.content]).toEqual([true, undefined, `what is this? ${end.label}`]);
      told.push(...streams.map((end) => ({ ...end, whole: true })));

      const calls = await truth(system());
      expect(calls).toHaveLength(4);
      // The image arrived whole: base64 adds a third.
      for (const call of calls) expect(call.bodyBytes).toBeGreaterThan((IMAGE_BYTES * 4) / 3);
      for (const call of calls) expect(call.promptTokens).toBeLessThan(200);
      await audit(system(), told, before);
      expect((await atRestBytes(system())) - restBefore).toBeLessThan(200_000);
    });

    story('more than 32 MiB is refused without being kept', system, async () => {
      const rss = () => metric(system(), system().processOf('ingress'), 'process_resident_memory_bytes');
      const before = await rss();
      const body = JSON.stringify({
        model: 'sandbox/echo',
        messages: [{ role: 'user', content: 'x'.repeat(60_000_000) }],
      });
      const answers = await Promise.all(
        Array.from({ length: 4 }, () => complete(system(), body).catch(() => undefined)),
      );
      // A client that goes on sending may see its connection reset instead of the answer.
      for (const answer of answers)
        if (answer !== undefined)
          expect({ status: answer.status, code: answer.json?.error?.code }).toEqual({ status: 413, code: 413 });
      expect((await rss()) - before).toBeLessThan(4 * LIMIT_BYTES);
      const justUnder = 'y'.repeat(LIMIT_BYTES - 1_000);
      const fits = await complete(system(), {
        model: 'sandbox/echo',
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'it fits' },
              { type: 'image_url', image_url: { url: `data:image/png;base64,${justUnder}` } },
            ],
          },
        ],
      });
      expect({ status: fits.status, error: fits.json?.error }).toEqual({ status: 200, error: undefined });
    });
  });
};
