// However a stream is cut on its way, the events, the client's bytes and the counts are the same: each recording, and hand-made streams full of characters of several bytes.
import { jest } from '@jest/globals';
import fc from 'fast-check';
import { passes, readPieces, type Asked } from './ask.js';
import { findRecordings } from './recordings.js';
import { wireBytes, wireOf } from './wire.js';

const SEED = 20_261_126;
const RUNS = 12;
const CUTS_MAX = 40;

/** For machines that have other things to do: nothing here is judged by time. */
jest.setTimeout(120_000);

interface Stream {
  readonly name: string;
  readonly dialect: string;
  readonly lines: readonly string[];
}

/** Text whose bytes are of every length that UTF-8 knows, in each dialect's words. */
const TEXT = 'ä → 日本語 🚀🧑‍🚀 \\u2028 \r\n';
const json = JSON.stringify(TEXT);
const HAND_MADE: readonly Stream[] = [
  {
    name: 'chat in many bytes',
    dialect: 'openai-chat',
    lines: [
      `{"id":"é","object":"chat.completion.chunk","created":1,"model":"ü","choices":[{"index":0,"delta":{"role":"assistant","content":${json}},"finish_reason":null}]}`,
      `{"id":"é","object":"chat.completion.chunk","created":1,"model":"ü","choices":[{"index":0,"delta":{"content":${json}},"finish_reason":null}]}`,
      `{"id":"é","object":"chat.completion.chunk","created":1,"model":"ü","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"ñ","type":"function","function":{"name":"ß","arguments":${JSON.stringify(json)}}}]},"finish_reason":null}]}`,
      '{"id":"é","object":"chat.completion.chunk","created":1,"model":"ü","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":3,"completion_tokens":9,"total_tokens":12}}',
    ],
  },
  {
    name: 'messages in many bytes',
    dialect: 'anthropic-messages',
    lines: [
      '{"type":"message_start","message":{"id":"é","type":"message","role":"assistant","model":"ü","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":1}}}',
      '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}',
      `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":${json}}}`,
      '{"type":"content_block_stop","index":0}',
      '{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":9}}',
      '{"type":"message_stop"}',
    ],
  },
  {
    name: 'contents in many bytes',
    dialect: 'gemini',
    lines: [
      `{"candidates":[{"content":{"parts":[{"text":${json}}],"role":"model"},"index":0}],"responseId":"é"}`,
      `{"candidates":[{"content":{"parts":[{"text":${json}}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":9,"totalTokenCount":12},"responseId":"é"}`,
    ],
  },
  {
    name: 'a conversation in many bytes',
    dialect: 'bedrock-converse',
    lines: [
      '{"messageStart":{"role":"assistant"}}',
      `{"contentBlockDelta":{"contentBlockIndex":0,"delta":{"text":${json}}}}`,
      '{"contentBlockStop":{"contentBlockIndex":0}}',
      '{"messageStop":{"stopReason":"end_turn"}}',
      '{"metadata":{"usage":{"inputTokens":3,"outputTokens":9,"totalTokens":12},"metrics":{"latencyMs":1}}}',
    ],
  },
];

/** Where a cut goes through a character, or between CR and LF. */
const placesInside = (bytes: Buffer): number[] => {
  const places: number[] = [];
  for (let at = 1; at < bytes.length; at += 1) {
    const [before, byte] = [bytes[at - 1] ?? 0, bytes[at] ?? 0];
    if ((byte & 0xc0) === 0x80 || (before === 0x0d && byte === 0x0a)) places.push(at);
  }
  return places;
};

const cut = (bytes: Buffer, at: readonly number[]): Buffer[] => {
  const cuts = [...new Set(at)].filter((place) => place > 0 && place < bytes.length).sort((a, b) => a - b);
  return [0, ...cuts].map((from, index) => bytes.subarray(from, cuts[index] ?? bytes.length));
};

const everyByte = (bytes: Buffer): Buffer[] => Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));

const wiresOf = ({ dialect, lines }: Stream): [string, Buffer][] => {
  const plain = wireBytes(dialect, lines);
  if (wireOf(dialect).binary === true) return [['plain', plain]];
  return [
    ['plain', plain],
    ['crlf', Buffer.from(plain.toString().replaceAll('\n', '\r\n'))],
    ['comments', Buffer.from(plain.toString().replace(/(?<=^|\n\n)(?=.)/g, ': ünder way\n\n'))],
  ];
};

const streams: readonly Stream[] = [...HAND_MADE, ...(findRecordings()?.streams ?? [])];

describe.each(streams.map((stream) => [stream.name, stream] as const))('%s', (_, stream) => {
  it.each(wiresOf(stream))('says the same however it is cut, %s', (_wire, bytes) => {
    const { dialect } = stream;
    const asked: Asked[] = [{ provider: dialect, client: 'openai-chat', stream: true, way: 'translated' }];
    if (passes(dialect, dialect)) asked.push({ provider: dialect, client: dialect, stream: true, way: 'passed' });
    const inside = placesInside(bytes);
    const place =
      inside.length === 0 ? fc.nat(bytes.length) : fc.oneof(fc.nat(bytes.length), fc.constantFrom(...inside));
    for (const each of asked) {
      const read = (pieces: readonly Buffer[]): string => {
        const { wire, events, report, failure } = readPieces(each, pieces);
        return `${wire.toString('latin1')}\n${JSON.stringify([events, report, failure])}`;
      };
      const whole = read([bytes]);
      expect(read(everyByte(bytes)) === whole).toBe(true);
      expect(read(cut(bytes, inside)) === whole).toBe(true);
      fc.assert(
        fc.property(fc.array(place, { minLength: 1, maxLength: CUTS_MAX }), (at) => {
          expect(read(cut(bytes, at)) === whole).toBe(true);
        }),
        { seed: SEED, numRuns: RUNS },
      );
    }
  });
});

it('the hand-made streams hold places that a cut goes through', () => {
  for (const stream of HAND_MADE.filter(({ dialect }) => dialect !== 'bedrock-converse'))
    for (const [, bytes] of wiresOf(stream)) expect(placesInside(bytes).length).toBeGreaterThan(10);
});
