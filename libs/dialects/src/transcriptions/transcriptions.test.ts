// What a request for a transcript comes to: as JSON and as a form, how long its sound is, what is refused, and the bill in its answer.
import type { ChatRequest } from '../openai-chat/chat-request.js';
import type { ChatBill } from '../openai-chat/write-chat-response.js';
import { readTranscriptionForm } from './read-form.js';
import { soundLength } from './sound-length.js';
import { transcriptions } from './transcriptions.js';

/** A WAV file of so many samples, two bytes each, 16,000 a second. */
const wav = (samples: number, tag = 1, before = Buffer.alloc(0)): Buffer => {
  const format = Buffer.alloc(24);
  format.write('fmt ', 0, 'latin1');
  format.writeUInt32LE(16, 4);
  format.writeUInt16LE(tag, 8);
  format.writeUInt16LE(1, 10);
  format.writeUInt32LE(16_000, 12);
  format.writeUInt32LE(32_000, 16);
  format.writeUInt16LE(2, 20);
  format.writeUInt16LE(16, 22);
  return Buffer.concat([Buffer.from('RIFF\0\0\0\0WAVE', 'latin1'), before, format, Buffer.alloc(samples * 2)]);
};
const JUNK = Buffer.from('JUNK\x03\0\0\0abc\0', 'latin1');
const sound = (bytes: Buffer, format = 'wav') => ({ data: bytes.toString('base64'), format });

const read = (fields: object): ChatRequest =>
  transcriptions.readRequest(
    Buffer.from(JSON.stringify({ model: 'lab/ears', input_audio: sound(Buffer.alloc(300)), ...fields })),
    { hash: (text) => text },
  );

describe('a sound', () => {
  it.each<[string, Buffer, number, number]>([
    ['of plain WAV is as long as its header says', wav(16_000 * 7 - 40), 7, 7],
    ['of WAV with another chunk in front is found too', wav(16_000 * 7 - 40, 1, JUNK), 7, 7],
    ['of WAV whose samples are compressed is bounded like any other', wav(15_978, 17), Math.ceil(31_992 / 750), 4],
    ['that is compressed is bounded by the lowest rate, and guessed by the usual one', Buffer.alloc(16_001), 22, 3],
    ['of a byte is a second', Buffer.from([1]), 1, 1],
    ['of a header that was cut is like any other', wav(0).subarray(0, 20), 1, 1],
  ])('%s', (_name, bytes, secondsMax, secondsEstimate) => {
    expect(soundLength(bytes.toString('base64'))).toEqual({ secondsMax, secondsEstimate });
  });
});

it('is a job on sound: held for by the second, and by the text that so many seconds can hold', () => {
  expect(read({ input_audio: sound(wav(16_000 * 30 - 40)), language: 'de', models: ['lab/other'] })).toMatchObject({
    models: ['lab/ears', 'lab/other'],
    stream: false,
    pieces: { seconds: 30 },
    outputTokensMax: 30 * 25,
    features: {
      api: 'transcriptions',
      dialect: 'transcriptions',
      maxOutputTokens: 0,
      longestInputTokens: 1,
      inputModalities: ['audio'],
      outputModalities: [],
    },
  });
});

it('of a moment is held for as providers bill the shortest, and its tokens are bounded', () => {
  const { pieces, outputTokensMax, inputTokensMax } = read({});
  expect([pieces, outputTokensMax]).toEqual([{ seconds: 10 }, 256]);
  expect(inputTokensMax).toBeGreaterThan(50);
  expect(inputTokensMax).toBeLessThan(400);
});

it.each<[string, object, string]>([
  ['without a sound', { input_audio: null }, 'input_audio: Invalid request: input_audio is required'],
  ['with a sound that is text', { input_audio: 'UklG' }, 'input_audio: Expected object, received string'],
  ['without a format', { input_audio: { data: 'AAAA' } }, 'input_audio.format: Expected string, received undefined'],
  [
    'with a format that is none',
    { input_audio: { data: 'AAAA', format: 'wav"\r\n' } },
    'input_audio.format: Expected a format such as wav',
  ],
  ['without data', { input_audio: { format: 'wav' } }, 'input_audio.data: Expected string, received undefined'],
  ['with empty data', { input_audio: { data: '', format: 'wav' } }, 'input_audio.data: Expected base64 of at least 1'],
  [
    'with a data URI',
    { input_audio: { data: 'data:audio/wav;base64,AAAA', format: 'wav' } },
    'input_audio.data: Expected base64, received a data URI',
  ],
  [
    'with data that is no base64',
    { input_audio: { data: 'AAAA AA!', format: 'wav' } },
    'input_audio.data: Expected base64, received something else',
  ],
  [
    'for subtitles',
    { response_format: 'srt' },
    "response_format: Invalid enum value. Expected 'json' | 'verbose_json', received \"srt\"",
  ],
  ['with a language that is none', { language: 7 }, 'language: Expected string, received number'],
  ['too hot', { temperature: 1.5 }, 'temperature: Number must be less than or equal to 1, received 1.5'],
  [
    'with the time of each letter',
    { timestamp_granularities: ['letter'] },
    'timestamp_granularities: [0] Invalid enum value.',
  ],
  ['for a stream', { stream: true }, 'stream: transcriptions does not stream; leave it out'],
])('%s is refused', (_name, fields, message) => {
  expect(() => read(fields)).toThrow(message);
});

describe('a form', () => {
  const jsonOf = async (form: FormData): Promise<unknown> => {
    const response = new Response(form);
    const body = Buffer.from(await response.arrayBuffer());
    return JSON.parse((await readTranscriptionForm(body, response.headers.get('content-type') ?? '')).toString());
  };
  const formOf = (fields: Readonly<Record<string, string | File>>): FormData => {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    return form;
  };
  const bytes = Buffer.from([0, 255, 13, 10, 45, 45]);
  const file = new File([bytes], 'talk.MP3', { type: 'audio/mpeg' });

  it('is the JSON that the reference has, its sound byte for byte', async () => {
    const form = formOf({ file, model: 'lab/ears', temperature: '0.5', language: 'de', stream: 'false' });
    form.append('timestamp_granularities[]', 'word');
    form.append('timestamp_granularities[]', 'segment');
    expect(await jsonOf(form)).toEqual({
      input_audio: { data: bytes.toString('base64'), format: 'mp3' },
      model: 'lab/ears',
      temperature: 0.5,
      language: 'de',
      stream: false,
      timestamp_granularities: ['word', 'segment'],
    });
  });

  it('has its format from the content type where the name says none', async () => {
    const form = formOf({ file: new File([bytes], 'talk', { type: 'audio/x-flac' }) });
    expect(await jsonOf(form)).toMatchObject({ input_audio: { format: 'flac' } });
  });

  it('that is none passes as it is', async () => {
    const body = Buffer.from('{"model":1}');
    expect(await readTranscriptionForm(body, 'application/json')).toBe(body);
    expect(await readTranscriptionForm(body)).toBe(body);
  });

  it.each<[string, Readonly<Record<string, string | File>>, string]>([
    ['no file', { model: 'a/b' }, 'file: Invalid request: file is required'],
    ['text for a file', { file: 'UklG' }, 'file: Expected a file in the field file, received text'],
    ['a file elsewhere', { file, prompt: file }, 'prompt: Expected text, received a file'],
    ['a sound of no format', { file: new File([bytes], 'talk') }, 'file: Expected a name that ends in the format'],
    ['a second sound beside it', { file, input_audio: '{}' }, 'input_audio: Expected a file in the field file'],
  ])('with %s is refused', async (_name, fields, message) => {
    await expect(jsonOf(formOf(fields))).rejects.toThrow(message);
  });

  it('with a field or file twice is refused', async () => {
    const twice = formOf({ file, model: 'a/b' });
    twice.append('model', 'c/d');
    await expect(jsonOf(twice)).rejects.toThrow('model: the field stands in the form more than once');
    const files = formOf({ file });
    files.append('file', file);
    await expect(jsonOf(files)).rejects.toThrow('file: Expected one file, received several');
  });

  it('with a number that is none is refused by name', async () => {
    const body = Buffer.from(JSON.stringify(await jsonOf(formOf({ file, model: 'a/b', temperature: 'warm' }))));
    expect(() => transcriptions.readRequest(body, { hash: (text) => text })).toThrow(
      'temperature: Expected number, received string',
    );
  });

  it.each<[string, string, string]>([
    ['no boundary', 'multipart/form-data', 'its content type names no boundary'],
    ['half of a part', 'multipart/form-data; boundary=x', 'a boundary, a name or the end of a part is missing'],
  ])('with %s is refused', async (_name, contentType, message) => {
    const body = Buffer.from('--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\nabc');
    await expect(readTranscriptionForm(body, contentType)).rejects.toThrow(message);
  });

  it('with more parts than anybody sends is refused before it is taken apart', async () => {
    const body = Buffer.from(`${'--x\r\nContent-Disposition: form-data; name="m"\r\n\r\na\r\n'.repeat(66)}--x--\r\n`);
    await expect(readTranscriptionForm(body, 'multipart/form-data; boundary="x"')).rejects.toThrow(
      'it has more than 64 parts',
    );
  });

  it('with more than 25 MB of sound is refused, and told the other way', async () => {
    const form = formOf({ file: new File([Buffer.alloc(25 * 1024 * 1024 + 1)], 'long.wav') });
    await expect(jsonOf(form)).rejects.toMatchObject({
      code: 'payload_too_large',
      message: expect.stringContaining('Send it as base64 in input_audio'),
    });
  });
});

describe('the bill', () => {
  const billOf = (usage: Record<string, number>): ChatBill => ({
    ...{ usage, cost: 900_000_000n, promptCost: 0n, completionCost: 0n, byok: false },
  });
  const answer = Buffer.from('{"text":"Grüß Gott","usage":{"type":"tokens","input_tokens":1}}');

  it.each<[string, Record<string, number>, object]>([
    ['by the second', { seconds: 9 }, { type: 'duration', seconds: 9, cost: 0.0009 }],
    [
      'by the token',
      { input: 3, audioInput: 80, output: 30 },
      {
        ...{ type: 'tokens', input_tokens: 83, output_tokens: 30, total_tokens: 113 },
        ...{ input_token_details: { text_tokens: 3, audio_tokens: 80 }, cost: 0.0009 },
      },
    ],
  ])('%s stands in the answer, in place of what the provider said', (_name, usage, expected) => {
    const withBill = transcriptions.withBill(answer, billOf(usage));
    expect(JSON.parse(String(withBill))).toEqual({ text: 'Grüß Gott', usage: expected });
  });
});
