// Transcripts as OpenAI has them: a form with a file in, text out. `whisper` bills by the second, everything else by the token, as OpenAI's own models do.
// https://platform.openai.com/docs/api-reference/audio/createTranscription
import { toldUsage } from '../../reply/told-usage.js';
import { BadCall, noStream, type Dialect, type Received } from '../dialect.js';
import { readBody, readModel, readOverrides } from '../read-fields.js';
import { writeChatError } from '../openai-chat/write-chat-error.js';

const FORMATS: readonly string[] = ['flac', 'm4a', 'mp3', 'mp4', 'mpeg', 'mpga', 'oga', 'ogg', 'wav', 'webm'];
/** The sandbox's second, whatever the sound: so many bytes. It is that of the simplest telephone sound, 8,000 samples of a byte. */
export const BYTES_PER_SECOND = 8_000;
const WAV_HEAD_BYTES = 44;
const TOKENS_PER_SECOND = 2;

interface Sound {
  readonly name: string;
  readonly bytes: number;
  /** So that another sound says something else. */
  readonly seed: string;
}

const isSound = (value: unknown): value is Sound => typeof value === 'object' && value !== null && 'seed' in value;

/** The form as a body of fields; the file as what is needed of it. */
const readForm = async (body: Buffer, contentType: string): Promise<unknown> => {
  let form: FormData;
  try {
    form = await new Response(new Uint8Array(body), { headers: { 'content-type': contentType } }).formData();
  } catch {
    throw new BadCall(400, 'Could not parse multipart form');
  }
  const fields: Record<string, unknown> = {};
  for (const [name, value] of form.entries())
    if (name.endsWith('[]')) fields[name] = form.getAll(name);
    else if (typeof value === 'string') fields[name] = value;
    else {
      const bytes = Buffer.from(await value.arrayBuffer());
      fields[name] = { name: value.name, bytes: bytes.length, seed: bytes.toString('base64', 0, 1_024) };
    }
  return fields;
};

const readTranscription = ({ body: given }: Received) => {
  const body = readBody(given);
  const { file, response_format: format = 'json', temperature = '0' } = body;
  const model = readModel(body);
  if (!isSound(file)) throw new BadCall(400, "1 validation error: 'file' must be a file.");
  if (!FORMATS.includes(file.name.split('.').at(-1) ?? ''))
    throw new BadCall(400, `Invalid file format. Supported formats: ${FORMATS.map((each) => `'${each}'`).join(', ')}`);
  if (format !== 'json' && format !== 'verbose_json')
    throw new BadCall(400, 'response_format must be json or verbose_json.');
  if (!(Number(temperature) >= 0 && Number(temperature) <= 1))
    throw new BadCall(400, 'temperature must be from 0 to 1.');
  const words = body['timestamp_granularities[]'];
  const seconds = Math.max(1, Math.ceil((file.bytes - WAV_HEAD_BYTES) / BYTES_PER_SECOND));
  const prompt = typeof body['prompt'] === 'string' ? body['prompt'] : '';
  // A form has no objects: a script comes as its JSON.
  const overrides = readOverrides({ metadata: body });
  return {
    call: {
      ...{ model, stream: false, streamUsage: false, tools: [], toolChoice: { kind: 'none' as const }, toolTokens: 0 },
      messages: [{ role: 'user', text: `${prompt}${file.seed}`, mediaParts: 0 }],
      overrides: { outputTokens: seconds * TOKENS_PER_SECOND, ...overrides },
      seconds,
    },
    verbose: format === 'verbose_json',
    withWords: Array.isArray(words) && words.includes('word'),
    language: typeof body['language'] === 'string' ? body['language'] : 'english',
  };
};

const isByTheSecond = (model: string): boolean => model.includes('whisper');

export const transcriptions: Dialect = {
  name: 'transcriptions',
  paths: ['/v1/audio/transcriptions', '/audio/transcriptions'],
  idPrefix: 'trsc',
  generates: true,
  readForm,
  readCall(received) {
    const { call, verbose, withWords, language } = readTranscription(received);
    const { seconds } = call;
    return {
      call,
      stream: noStream,
      completion(head, reply, script) {
        const told = toldUsage(reply, script.usage);
        const usage = isByTheSecond(head.model)
          ? { type: 'duration', seconds }
          : told && {
              ...{ type: 'tokens', input_tokens: told.prompt, output_tokens: told.completion },
              input_token_details: { text_tokens: 0, audio_tokens: told.prompt },
              total_tokens: told.prompt + told.completion,
            };
        const { text } = reply;
        const segment = { id: 0, seek: 0, start: 0, end: seconds, text, tokens: [50_364], temperature: 0 };
        return JSON.stringify({
          ...(verbose ? { task: 'transcribe', language, duration: seconds } : {}),
          text,
          ...(verbose
            ? { segments: [{ ...segment, avg_logprob: -0.2, compression_ratio: 1.1, no_speech_prob: 0.01 }] }
            : {}),
          ...(verbose && withWords ? { words: [{ word: text.split(' ')[0] ?? '', start: 0, end: seconds }] } : {}),
          ...(told === undefined ? {} : { usage }),
        });
      },
    };
  },
  error: writeChatError,
};
