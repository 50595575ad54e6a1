// An answer given again, in every dialect: another id and another time, no usage told early, and nothing else changed.
import { replayAnswer, type Replay } from './replay-answer.js';

const FROM = `gen-1700000000-${'a'.repeat(20)}`;
const TO = `gen-1800000000-${'B'.repeat(20)}`;
const again = (text: string, stream: boolean, changes: Partial<Replay> = {}): string =>
  replayAnswer(Buffer.from(text), { stream, from: FROM, to: TO, createdSeconds: 1_800_000_000, ...changes }).toString();

describe('an answer that is given again', () => {
  it('as a chat completion has the new id and time, and every other byte as it was', () => {
    expect(
      again(`{ "id": "${FROM}", "created" : 1700000000,"choices":[{"message":{"content":"created: é 1"}}]}`, false),
    ).toBe(`{ "id": "${TO}", "created" : 1800000000,"choices":[{"message":{"content":"created: é 1"}}]}`);
  });

  it('as a stream of chunks has them in each, and keeps comments and end marker', () => {
    const chunks = (id: string, created: number): string =>
      [0, 1]
        .map(
          (n) =>
            `: note\n\ndata: {"id":"${id}","object":"chat.completion.chunk","created":${created},"choices":[${n}]}\n\n`,
        )
        .join('');
    expect(again(`${chunks(FROM, 1_700_000_000)}data: [DONE]\n\n`, true)).toBe(
      `${chunks(TO, 1_800_000_000)}data: [DONE]\n\n`,
    );
  });

  it('as a stream of Responses has them inside of each response, wherever a tail was cut', () => {
    const event = (id: string, created: number): string =>
      `event: response.created\ndata: {"type":"response.created","response":{"id":"${id}","created_at":${created},"output":[]}}\n\n`;
    const delta =
      'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"created_at"}\n\n';
    expect(again(event(FROM, 1_700_000_000) + delta, true)).toBe(event(TO, 1_800_000_000) + delta);
    expect(again(`"id":"${FROM}","output":[]}}\n\n`, true)).toBe(`"id":"${TO}","output":[]}}\n\n`);
  });

  it('as a stream of Messages does not tell in its first event what was used the first time', () => {
    const start = (id: string, usage: string): string =>
      `event: message_start\ndata: {"type":"message_start","message":{"id":"${id}","usage":${usage},"content":[]}}\n\n`;
    const text =
      'event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"text":"message usage"}}\n\n';
    expect(again(start(FROM, '{"input_tokens":9,"output_tokens":1}') + text, true)).toBe(
      start(TO, '{"input_tokens":0,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}') +
        text,
    );
  });

  it.each([
    ['embeddings without an id', '{"object":"list","data":[{"embedding":[0.1]}],"model":"m"}'],
    ['a time that is none', '{"created":"yesterday","message":"created"}'],
    ['what is no JSON', 'created'],
  ])('leaves alone: %s', (_name, text) => {
    expect(again(text, false)).toBe(text);
  });
});
