import { EventStreamCodec } from '@smithy/eventstream-codec';
import { crc32 } from 'node:zlib';
import { CONFORMANCE_TERMS } from '../conformance/conformance.js';
import { eventsOf } from '../conformance/translation.js';
import { bedrockConverse } from './bedrock-converse.js';
import { eventStreamFraming } from './event-stream.js';
import { eventFrame, exceptionFrame, frame } from './fixtures/frames.js';

interface Reading {
  readonly events: readonly unknown[];
  readonly broken: boolean | undefined;
  readonly tooLarge: boolean;
}

const read = (bytes: Buffer, eventBytesMax = 1_000): Reading => {
  const events: unknown[] = [];
  const framing = eventStreamFraming((from, start, end, name = '') => {
    events.push({ [name]: JSON.parse(from.toString('utf8', start, end)) });
  }, eventBytesMax);
  framing.push(bytes);
  framing.end();
  return { events, broken: framing.broken, tooLarge: framing.tooLarge };
};

const flipped = (bytes: Buffer, at: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
};

/** A prelude whose checksum is right, whatever it says. */
const prelude = (frameBytes: number, headersBytes: number): Buffer => {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt32BE(frameBytes, 0);
  bytes.writeUInt32BE(headersBytes, 4);
  bytes.writeUInt32BE(crc32(bytes.subarray(0, 8)), 8);
  return bytes;
};

describe('the event stream of AWS', () => {
  const hello = eventFrame('contentBlockDelta', { delta: { text: 'hello' } });

  it('gives each event under its name, exceptions likewise, and errors as such', () => {
    const bytes = Buffer.concat([
      hello,
      frame({ ':message-type': 'event', ':event-type': 'ping' }, ''),
      exceptionFrame('throttlingException', { message: 'slower' }),
      frame({ ':message-type': 'error', ':error-code': 'InternalError', ':error-message': 'An "error"' }, ''),
      frame({ ':message-type': 'something-else' }, '{}'),
    ]);
    expect(read(bytes).events).toEqual([
      { contentBlockDelta: { delta: { text: 'hello' } } },
      { ping: {} },
      { throttlingException: { message: 'slower' } },
      { error: { code: 'InternalError', message: 'An "error"' } },
    ]);
  });

  it('takes no headers for those of the frame before, however alike', () => {
    const named = (name: string) => frame({ ':message-type': 'event', ':event-type': name }, '{}');
    const bytes = Buffer.concat(['ping', 'pong', 'pong', 'ping', 'pings'].map(named));
    expect(read(bytes).events).toEqual([{ ping: {} }, { pong: {} }, { pong: {} }, { ping: {} }, { pings: {} }]);
  });

  it('reads over headers of every type', () => {
    const codec = new EventStreamCodec(
      (bytes) => Buffer.from(bytes as Uint8Array).toString('utf8'),
      (text) => Buffer.from(text, 'utf8'),
    );
    const bytes = codec.encode({
      headers: {
        yes: { type: 'boolean', value: true },
        no: { type: 'boolean', value: false },
        byte: { type: 'byte', value: 7 },
        short: { type: 'short', value: 700 },
        integer: { type: 'integer', value: 70_000 },
        binary: { type: 'binary', value: new Uint8Array([1, 2, 3]) },
        timestamp: { type: 'timestamp', value: new Date(1_700_000_000_000) },
        uuid: { type: 'uuid', value: '01234567-89ab-cdef-0123-456789abcdef' },
        ':message-type': { type: 'string', value: 'event' },
        ':event-type': { type: 'string', value: 'ping' },
      },
      body: Buffer.from('{"a":1}'),
    });
    expect(read(Buffer.from(bytes)).events).toEqual([{ ping: { a: 1 } }]);
  });

  it.each([
    ['a prelude that does not fit its checksum', flipped(hello, 5)],
    ['a payload that does not fit its checksum', flipped(hello, hello.length - 10)],
    ['a frame shorter than itself', prelude(15, 0)],
    ['headers longer than the frame', prelude(100, 90)],
    ['headers longer than any may be', prelude(500_000, 400_000)],
    ['server-sent events', Buffer.from('data: {"hello":"world"}\n\n')],
  ])('is broken by %s, and what came before stands', (_, bytes) => {
    expect(read(Buffer.concat([hello, bytes, hello]))).toEqual({
      events: [{ contentBlockDelta: { delta: { text: 'hello' } } }],
      broken: true,
      tooLarge: false,
    });
  });

  it('keeps nothing of a frame that is larger than allowed', () => {
    const reading = read(Buffer.concat([hello, prelude(1_000_000, 0)]));
    expect([reading.events.length, reading.tooLarge]).toEqual([1, true]);
  });

  it('makes a response with broken frames an invalid one', () => {
    const { translation } = bedrockConverse;
    if (translation === undefined) throw new Error('there is no translation');
    const bytes = Buffer.concat([hello, flipped(hello, 20)]);
    const { reader } = eventsOf(translation, CONFORMANCE_TERMS, bytes, 9);
    expect([reader.failure?.code, reader.failure?.message]).toEqual([
      'provider_invalid_response',
      'The "Lab" sent bytes that are no frame of its event stream.',
    ]);
  });

  it.each([
    ['throttlingException', 'provider_rate_limited', 'slower'],
    ['modelStreamErrorException', 'provider_unavailable', 'the model fell over'],
    ['internalServerException', 'provider_unavailable', 'oh'],
    ['serviceUnavailableException', 'provider_overloaded', 'busy'],
    ['validationException', 'provider_rejected', 'what?'],
    ['validationException', 'context_length_exceeded', 'Input is too long for requested model.'],
    ['modelTimeoutException', 'provider_timeout', 'too slow'],
    ['someNewException', 'provider_unavailable', 'new'],
  ])('takes %s in the middle as %s', (type, code, message) => {
    const { translation } = bedrockConverse;
    if (translation === undefined) throw new Error('there is no translation');
    const bytes = Buffer.concat([hello, exceptionFrame(type, { message }), hello]);
    const { reader, events } = eventsOf(translation, CONFORMANCE_TERMS, bytes, 50);
    expect(reader.failure?.code).toBe(code);
    expect(events.filter((event) => event.type === 'text-delta')).toHaveLength(1);
  });
});
