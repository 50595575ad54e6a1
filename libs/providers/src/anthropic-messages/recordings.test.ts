// Real recordings, where they lie beside the repository: the canonical events hold what the provider said.
import { collectEvents } from '../conformance/collect-events.js';
import { CONFORMANCE_TERMS } from '../conformance/conformance.js';
import { recordingsOf } from '../conformance/recordings.js';
import { eventsOf } from '../conformance/translation.js';
import { anthropicMessages } from './anthropic-messages.js';

const recordings = recordingsOf(['anthropic/anthropic-text', 'anthropic/anthropic-json-other-tool.1']);
const { translation } = anthropicMessages;

interface Told {
  readonly type: string;
  readonly delta?: { readonly text?: string; readonly partial_json?: string; readonly stop_reason?: string };
  readonly usage?: { readonly output_tokens: number };
  readonly content?: readonly { readonly type: string; readonly text?: string; readonly input?: unknown }[];
}

if (recordings === undefined || translation === undefined) it('has no recordings to try here', () => undefined);
else
  describe.each(recordings.map((recording) => [recording.name, recording] as const))(
    '%s',
    (_, { events = [], body }) => {
      const told = events.map((line) => JSON.parse(line) as Told);
      const bytes = Buffer.from(events.map((line) => `data: ${line}\n\n`).join(''));

      it('the stream says what the provider said, cut anywhere', () => {
        expect(events.length).toBeGreaterThan(3);
        const whole = eventsOf(translation, CONFORMANCE_TERMS, bytes, bytes.length);
        const collected = collectEvents(whole.events);
        expect(whole.reader.failure).toBeUndefined();
        expect(collected.text).toBe(told.map(({ delta }) => delta?.text ?? '').join(''));
        expect((collected.toolCalls ?? []).map((call) => call.arguments).join('')).toBe(
          told.map(({ delta }) => delta?.partial_json ?? '').join(''),
        );
        expect(whole.reader.report()).toMatchObject({
          usageSource: 'provider',
          nativeFinishReason: told.find(({ type }) => type === 'message_delta')?.delta?.stop_reason,
          usage: { output: told.find(({ type }) => type === 'message_delta')?.usage?.output_tokens },
        });
        for (const pieceBytes of [1, 7, 100])
          expect(eventsOf(translation, CONFORMANCE_TERMS, bytes, pieceBytes).events).toEqual(whole.events);
      });

      it('the body says what the provider said', () => {
        if (body === undefined) throw new Error('the recording has no body');
        const said = JSON.parse(body.toString()) as Told;
        const { events: got, reader } = eventsOf(translation, { ...CONFORMANCE_TERMS, stream: false }, body, 50);
        expect(reader.failure).toBeUndefined();
        const collected = collectEvents(got);
        expect(collected.text).toBe((said.content ?? []).map(({ text }) => text ?? '').join(''));
        expect((collected.toolCalls ?? []).map((call) => JSON.parse(call.arguments) as unknown)).toEqual(
          (said.content ?? []).filter(({ type }) => type === 'tool_use').map(({ input }) => input),
        );
      });
    },
  );
