// Real recordings, where they lie beside the repository: each line is the payload of one frame, under the name of its event.
import { collectEvents } from '../conformance/collect-events.js';
import { CONFORMANCE_TERMS } from '../conformance/conformance.js';
import { recordingsOf } from '../conformance/recordings.js';
import { eventsOf } from '../conformance/translation.js';
import { bedrockConverse } from './bedrock-converse.js';
import { eventFrame } from './fixtures/frames.js';

const recordings = recordingsOf([
  'amazon-bedrock/amazon-bedrock-text',
  'amazon-bedrock/amazon-bedrock-reasoning',
  'amazon-bedrock/amazon-bedrock-tool-call.1',
]);
const { translation } = bedrockConverse;

interface Told {
  readonly contentBlockDelta?: {
    readonly delta: {
      readonly text?: string;
      readonly reasoningContent?: { readonly text?: string; readonly signature?: string };
      readonly toolUse?: { readonly input?: string };
    };
  };
  readonly messageStop?: { readonly stopReason: string };
  readonly metadata?: { readonly usage: { readonly inputTokens: number; readonly outputTokens: number } };
}

interface Said {
  readonly output: {
    readonly message: {
      readonly content: readonly {
        readonly text?: string;
        readonly reasoningContent?: { readonly reasoningText: { readonly text: string; readonly signature: string } };
        readonly toolUse?: { readonly toolUseId: string; readonly name: string; readonly input: unknown };
      }[];
    };
  };
  readonly stopReason: string;
  readonly usage: { readonly inputTokens: number; readonly outputTokens: number };
}

if (recordings === undefined || translation === undefined) it('has no recordings to try here', () => undefined);
else
  describe.each(recordings.map((recording) => [recording.name, recording] as const))(
    '%s',
    (_, { events = [], body }) => {
      const told = events.map((line) => JSON.parse(line) as Told);
      const deltas = told.flatMap(({ contentBlockDelta }) => contentBlockDelta?.delta ?? []);
      const bytes = Buffer.concat(
        told.flatMap((event) =>
          Object.entries(event).map(([type, payload]) => eventFrame(type, payload as unknown as object)),
        ),
      );

      it('the stream says what the provider said, cut anywhere', () => {
        expect(events.length).toBeGreaterThan(3);
        const whole = eventsOf(translation, CONFORMANCE_TERMS, bytes, bytes.length);
        const collected = collectEvents(whole.events);
        expect(whole.reader.failure).toBeUndefined();
        expect(collected.text).toBe(deltas.map(({ text }) => text ?? '').join(''));
        expect(collected.reasoning ?? '').toBe(
          deltas.map(({ reasoningContent }) => reasoningContent?.text ?? '').join(''),
        );
        expect((collected.signatures ?? []).join('')).toBe(
          deltas.map(({ reasoningContent }) => reasoningContent?.signature ?? '').join(''),
        );
        expect((collected.toolCalls ?? []).map((call) => call.arguments).join('')).toBe(
          deltas.map(({ toolUse }) => toolUse?.input ?? '').join(''),
        );
        const usage = told.find(({ metadata }) => metadata !== undefined)?.metadata?.usage;
        expect(whole.reader.report()).toMatchObject({
          usageSource: 'provider',
          nativeFinishReason: told.find(({ messageStop }) => messageStop !== undefined)?.messageStop?.stopReason,
          usage: { input: usage?.inputTokens, output: usage?.outputTokens },
        });
        for (const pieceBytes of [1, 7, 100])
          expect(eventsOf(translation, CONFORMANCE_TERMS, bytes, pieceBytes).events).toEqual(whole.events);
      });

      it('the body says what the provider said', () => {
        if (body === undefined) throw new Error('the recording has no body');
        const { output, stopReason, usage } = JSON.parse(body.toString()) as Said;
        const { content } = output.message;
        const { events: got, reader } = eventsOf(translation, { ...CONFORMANCE_TERMS, stream: false }, body, 50);
        expect(reader.failure).toBeUndefined();
        const collected = collectEvents(got);
        expect(collected.text).toBe(content.map(({ text }) => text ?? '').join(''));
        const thoughts = content.flatMap(({ reasoningContent }) => reasoningContent?.reasoningText ?? []);
        expect(collected.reasoning ?? '').toBe(thoughts.map(({ text }) => text).join(''));
        expect(collected.signatures ?? []).toEqual(thoughts.map(({ signature }) => signature));
        expect(
          (collected.toolCalls ?? []).map((call) => ({ ...call, arguments: JSON.parse(call.arguments) as unknown })),
        ).toEqual(
          content.flatMap(({ toolUse }) =>
            toolUse === undefined ? [] : [{ id: toolUse.toolUseId, name: toolUse.name, arguments: toolUse.input }],
          ),
        );
        expect(reader.report()).toMatchObject({
          nativeFinishReason: stopReason,
          usage: { input: usage.inputTokens, output: usage.outputTokens },
        });
      });
    },
  );
