// Real recordings, where they lie beside the repository: the canonical events hold what the provider said, from OpenAI and from Azure.
import { collectEvents } from '../conformance/collect-events.js';
import { CONFORMANCE_TERMS, readPieces } from '../conformance/conformance.js';
import { recordingsOf } from '../conformance/recordings.js';
import { eventsOf } from '../conformance/translation.js';
import { openaiResponses } from './openai-responses.js';
import { RESPONSE_MEMBERS } from './pass.js';

const recordings = recordingsOf(['openai/openai-reasoning-encrypted-content.1', 'azure/azure-text.1']);
const { translation } = openaiResponses;

interface Item {
  readonly type: string;
  readonly content?: readonly { readonly text?: string }[];
  readonly summary?: readonly { readonly text: string }[];
  readonly arguments?: string;
  readonly encrypted_content?: string;
}
interface Response {
  readonly id: string;
  readonly output: readonly Item[];
  readonly usage: { readonly output_tokens: number; readonly input_tokens: number };
}

/** What a whole response says. */
const saidBy = ({ output }: Response) => ({
  text: output.flatMap(({ content }) => (content ?? []).map(({ text }) => text ?? '')).join(''),
  reasoning: output.flatMap(({ summary }) => (summary ?? []).map(({ text }) => text)).join('\n\n'),
  calls: output.flatMap((item) => (item.type === 'function_call' ? [item.arguments] : [])),
  sealed: output.flatMap((item) => (item.encrypted_content === undefined ? [] : [item.encrypted_content])),
});

const gotOf = (events: Parameters<typeof collectEvents>[0]) => {
  const { text, reasoning, toolCalls, signatures } = collectEvents(events);
  return {
    text,
    reasoning: reasoning ?? '',
    calls: (toolCalls ?? []).map((call) => call.arguments),
    sealed: signatures ?? [],
  };
};

/** A recording of several turns, one response each. */
const responsesOf = (events: readonly string[]): string[][] => {
  const all: string[][] = [];
  for (const line of events) {
    if (line.startsWith('{"type":"response.created"')) all.push([]);
    all.at(-1)?.push(line);
  }
  return all;
};

if (recordings === undefined || translation === undefined) it('has no recordings to try here', () => undefined);
else
  describe.each(recordings.map((recording) => [recording.name, recording] as const))(
    '%s',
    (_, { events = [], body }) => {
      const turns = responsesOf(events).map((lines, turn) => [turn, lines] as const);

      it.each(turns)('turn %i of the stream says what the provider said, cut anywhere', (_turn, lines) => {
        const bytes = Buffer.from(lines.map((line) => `data: ${line}\n\n`).join(''));
        const { response } = JSON.parse(lines.at(-1) ?? '') as { response: Response };
        const whole = eventsOf(translation, CONFORMANCE_TERMS, bytes, bytes.length);
        expect(whole.reader.failure).toBeUndefined();
        // Sealed anew in each event: what an item's own end says counts, as it does for OpenAI's clients.
        const items = lines.flatMap((line) => {
          const { type, item } = JSON.parse(line) as { type: string; item?: Item };
          return type === 'response.output_item.done' && item !== undefined ? [item] : [];
        });
        const { sealed } = saidBy({ ...response, output: items });
        expect(gotOf(whole.events)).toEqual({ ...saidBy(response), sealed });
        const { usage, usageSource } = whole.reader.report();
        expect(usageSource).toBe('provider');
        expect((usage['output'] ?? 0) + (usage['reasoning'] ?? 0)).toBe(response.usage.output_tokens);
        for (const pieceBytes of [1, 7, 100])
          expect(eventsOf(translation, CONFORMANCE_TERMS, bytes, pieceBytes).events).toEqual(whole.events);
      });

      it.each(turns)('turn %i passes to a client of the same dialect but for what is ours', (_turn, lines) => {
        const bytes = Buffer.from(lines.map((line) => `data: ${line}\n\n`).join(''));
        const { output, reader } = readPieces(openaiResponses, CONFORMANCE_TERMS, bytes, 99);
        const passed = `${output.toString()}${reader.report().tail ?? ''}`
          .split('\n\n')
          .filter((event) => event !== '')
          .map((event) => JSON.parse(event.slice(event.indexOf('data: ') + 6)) as { response?: Response });
        expect(passed).toHaveLength(lines.length);
        for (const [index, line] of lines.entries()) {
          const told = JSON.parse(line) as { response?: object };
          const { generationId: id, model, providerName: provider } = CONFORMANCE_TERMS;
          const ours = { ...RESPONSE_MEMBERS, ...told.response, id, model, provider, usage: undefined };
          expect(passed[index]).toEqual(told.response === undefined ? told : { ...told, response: ours });
        }
      });

      it('the body says what the provider said', () => {
        if (body === undefined) throw new Error('the recording has no body');
        const { events: got, reader } = eventsOf(translation, { ...CONFORMANCE_TERMS, stream: false }, body, 50);
        expect(reader.failure).toBeUndefined();
        expect(gotOf(got)).toEqual(saidBy(JSON.parse(body.toString()) as Response));
      });
    },
  );
