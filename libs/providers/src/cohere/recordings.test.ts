// Real recordings, where they lie beside the repository: the canonical events hold what the provider said.
import { collectEvents } from '../conformance/collect-events.js';
import { CONFORMANCE_TERMS } from '../conformance/conformance.js';
import { recordingsOf } from '../conformance/recordings.js';
import { eventsOf } from '../conformance/translation.js';
import { cohere } from './cohere.js';

const recordings = recordingsOf(['cohere/cohere-text', 'cohere/cohere-tool-call']);
const { translation } = cohere;

interface Usage {
  readonly billed_units: { readonly input_tokens: number; readonly output_tokens: number };
}
interface Called {
  readonly id?: string;
  readonly function: { readonly name?: string; readonly arguments: string };
}
interface Told {
  readonly type: string;
  readonly delta?: {
    readonly message?: {
      readonly content?: { readonly text?: string };
      readonly tool_plan?: string;
      readonly tool_calls?: Called;
    };
    readonly finish_reason?: string;
    readonly usage?: Usage;
  };
}
interface Said {
  readonly message: {
    readonly content?: readonly { readonly text?: string }[];
    readonly tool_plan?: string;
    readonly tool_calls?: readonly Called[];
  };
  readonly finish_reason: string;
  readonly usage: Usage;
}

if (recordings === undefined || translation === undefined) it('has no recordings to try here', () => undefined);
else
  describe.each(recordings.map((recording) => [recording.name, recording] as const))(
    '%s',
    (_, { events = [], body }) => {
      const told = events.map((line) => JSON.parse(line) as Told);
      const messages = told.filter(({ type }) => type !== 'message-start').map(({ delta }) => delta?.message);
      const bytes = Buffer.from(told.map((each, at) => `event: ${each.type}\ndata: ${events[at] ?? ''}\n\n`).join(''));

      it('the stream says what the provider said, cut anywhere', () => {
        expect(events.length).toBeGreaterThan(3);
        const whole = eventsOf(translation, CONFORMANCE_TERMS, bytes, bytes.length);
        const collected = collectEvents(whole.events);
        expect(whole.reader.failure).toBeUndefined();
        expect(collected.text).toBe(messages.map((message) => message?.content?.text ?? '').join(''));
        expect(collected.reasoning ?? '').toBe(messages.map((message) => message?.tool_plan ?? '').join(''));
        const calls = messages.flatMap((message) => message?.tool_calls ?? []);
        expect((collected.toolCalls ?? []).map(({ id }) => id)).toEqual(calls.flatMap(({ id }) => id ?? []));
        expect((collected.toolCalls ?? []).map((call) => call.arguments).join('')).toBe(
          calls.map((call) => call.function.arguments).join(''),
        );
        const last = told.find(({ type }) => type === 'message-end')?.delta;
        expect(whole.reader.report()).toMatchObject({
          usageSource: 'provider',
          nativeFinishReason: last?.finish_reason,
          usage: { input: last?.usage?.billed_units.input_tokens, output: last?.usage?.billed_units.output_tokens },
        });
        for (const pieceBytes of [1, 7, 100])
          expect(eventsOf(translation, CONFORMANCE_TERMS, bytes, pieceBytes).events).toEqual(whole.events);
      });

      it('the body says what the provider said', () => {
        if (body === undefined) throw new Error('the recording has no body');
        const said = JSON.parse(body.toString()) as Said;
        const { events: got, reader } = eventsOf(translation, { ...CONFORMANCE_TERMS, stream: false }, body, 50);
        expect(reader.failure).toBeUndefined();
        const collected = collectEvents(got);
        expect(collected.text).toBe((said.message.content ?? []).map(({ text }) => text ?? '').join(''));
        expect(collected.reasoning ?? '').toBe(said.message.tool_plan ?? '');
        expect(collected.toolCalls ?? []).toEqual(
          (said.message.tool_calls ?? []).map((call) => ({
            id: call.id,
            name: call.function.name,
            arguments: call.function.arguments,
          })),
        );
        expect(reader.report()).toMatchObject({
          nativeFinishReason: said.finish_reason,
          usage: { input: said.usage.billed_units.input_tokens, output: said.usage.billed_units.output_tokens },
        });
      });
    },
  );
