// Row 30 where the client wishes it: what one provider broke off another goes on with. The client has the whole answer as one stream, and pays for what each of them said.
import type { RunningSystem } from '@waystation/testing';
import { openAccount } from '../support/account.ts';
import { ask, say } from '../support/ask.ts';
import { story } from '../support/story.ts';
import { billOf, sandboxPrices } from '../support/truth.ts';
import { until } from '../support/wait.ts';

/** Breaks off after so many tokens at the first of its two providers; the other goes on. An order, since a provider that breaks off is soon no longer the first choice. */
const MODEL = 'sandbox/unsteady';
const BROKEN_AT = 5;
const BREAKING = 'sandbox/breaks-off';
const DEARER = 'sandbox/echo-b';
const TEXT = 'Once upon a time there was a station on the way, and nobody waited there in vain.';
const HEADERS = { 'x-waystation-continue': '1' };
const BODY = { ...say(TEXT, MODEL), max_tokens: 200, provider: { order: ['sandbox', 'sandbox-b'] } };
const BOOKED_WITHIN_MS = 20_000;
/** Where the break is read before anything was passed on, the other is asked instead, as it should be: that tells nothing here, and it is asked again. */
const ASKED_WITHIN_MS = 30_000;
/** As the sandbox counts: what goes on says less, what is asked instead says all of it. */
const WHOLE_TOKENS = Math.ceil(TEXT.length / 4);

export const continuation = (system: () => RunningSystem): void => {
  describe('a stream that breaks off', () => {
    const charged = (generationId: string | undefined) =>
      until('it is booked', BOOKED_WITHIN_MS, async () => {
        const { status, json } = await ask(system(), 'GET', `/api/v1/generation?id=${generationId}`);
        return status === 200 && json.data.settled === true && json.data.charges.length === 2 ? json.data : undefined;
      });

    story('stays broken where nobody wishes it otherwise', system, async () => {
      const account = await openAccount(system());
      const { label, end } = await until('it breaks off', ASKED_WITHIN_MS, async () => {
        const asked = { label: `broken-${account.told.length}` };
        const told = await account.stream(asked.label, BODY);
        return told.content === TEXT ? undefined : { ...asked, end: told };
      });
      expect([end.status, end.done, end.error?.code]).toEqual([200, false, 502]);
      await account.audit();
      expect(await account.callsOf(label)).toHaveLength(1);
    });

    story('is continued by another provider, and each is paid for what it said', system, async () => {
      const account = await openAccount(system());
      const prices = await sandboxPrices(system());
      const { end, calls } = await until('it is continued', ASKED_WITHIN_MS, async () => {
        const label = `continued-${account.told.length}`;
        const asked = await account.stream(label, BODY, { headers: HEADERS });
        account.mark(label, { continued: true });
        const its = await account.callsOf(label);
        const goesOn = its.some(
          ({ outcome, completionTokens }) => outcome === 'completed' && completionTokens < WHOLE_TOKENS,
        );
        return goesOn ? { end: asked, calls: its } : undefined;
      });
      expect([end.status, end.content, end.done, end.error]).toEqual([200, TEXT, true, undefined]);
      expect(end.text.match(/"role":"assistant"/g)).toHaveLength(1);
      expect(end.text.match(/"finish_reason":"/g)).toHaveLength(1);
      expect(new Set([...end.text.matchAll(/"id":"(gen-[^"]+)"/g)].map(([, id]) => id)).size).toBe(1);

      const { charges } = await account.audit();
      const [broken, whole] = [BREAKING, DEARER].map((model) =>
        calls.find((call) => `sandbox/${call.model.replace('sandbox/', '')}` === model),
      );
      const [cheap, dear] = [prices.get(BREAKING), prices.get(DEARER)];
      if (broken === undefined || whole === undefined || cheap === undefined || dear === undefined)
        throw new Error(`not both were called: ${JSON.stringify(calls)}`);
      expect([calls.length, broken.completionTokens, broken.outcome, whole.outcome]).toEqual([
        ...[2, BROKEN_AT, 'failed', 'completed'],
      ]);
      const booked = charges.get(end.generationId ?? '') ?? [];
      expect(booked.map(({ payer, policyRow }) => [payer, policyRow]).sort()).toEqual([
        ['credits', 'completed'],
        ['credits', 'failed-after-output'],
      ]);
      const [first, second] = ['failed-after-output', 'completed'].map((row) =>
        booked.find(({ policyRow }) => policyRow === row),
      );
      // What the second told was counted by its provider, its prompt with the text so far in it.
      expect(second?.amount).toBe(String(billOf(whole, dear)));
      const { input = 0, output = 0 } = first?.usage ?? {};
      expect(output).toBeGreaterThanOrEqual(BROKEN_AT);
      expect(output).toBeLessThanOrEqual(BROKEN_AT + 1);
      expect(first?.amount).toBe(String(BigInt(input) * cheap.input + BigInt(output) * cheap.output));
      const told = await charged(end.generationId);
      expect(told.charges.map((each: { policy: { row: string } }) => each.policy.row).sort()).toEqual([
        ...['completed', 'failed-after-output'],
      ]);
      // One usage, of both.
      expect(end.usage?.['completion_tokens']).toBe(whole.completionTokens + BROKEN_AT);
    });

    story('is continued in Messages as well', system, async () => {
      const { status, text, told } = await until('it is continued', ASKED_WITHIN_MS, async () => {
        const body = { ...BODY, stream: true };
        const { headers, ...answer } = await ask(system(), 'POST', '/api/v1/messages', body, { headers: HEADERS });
        const booked = await charged(headers.get('x-generation-id') ?? undefined);
        const rows = booked.charges.map((each: { policy: { row: string } }) => each.policy.row);
        return rows.includes('failed-before-output') ? undefined : { ...answer, told: booked };
      });
      const events = [...text.matchAll(/^data: (\{.*)$/gm)].map(([, json]) => JSON.parse(json ?? ''));
      const said = events.map((event) => event.delta?.text ?? '').join('');
      expect([status, said]).toEqual([200, TEXT]);
      expect(events.map(({ type }) => type).filter((type) => type !== 'content_block_delta')).toEqual([
        ...['message_start', 'content_block_start', 'content_block_stop', 'message_delta', 'message_stop'],
      ]);
      expect(told.charges.map((each: { policy: { row: string } }) => each.policy.row).sort()).toEqual([
        ...['completed', 'failed-after-output'],
      ]);
    });
  });
};
