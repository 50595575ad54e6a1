// `POST /audio/transcriptions`: text out of a sound. The reference's JSON with base64; a form is read into it before (`read-form.ts`).
// https://platform.openai.com/docs/api-reference/audio/createTranscription; the reference API, section 4.4. Paid by the second, or by the token: of sound, and of the text that is made.
import { formatUsd } from '@waystation/contracts';
import { inputTokens, outputTokens } from '@waystation/generation';
import { jobFields, readJob } from '../jobs/read-job.js';
import { putUsage } from '../json/put-usage.js';
import {
  aListOf,
  aNumberIn,
  aStringOf,
  checkOptional,
  isObject,
  oneOf,
  refuse,
  typeOf,
  type Check,
} from '../openai-chat/check-type.js';
import type { ChatBill } from '../openai-chat/write-chat-response.js';
import type { JobDialect } from '../public-dialect.js';
import { measureTokens } from '../request/measure-tokens.js';
import { parseBody } from '../request/parse-body.js';
import { toDialectError } from '../to-dialect-error.js';
import { soundLength } from './sound-length.js';

const PROMPT_CHARACTERS_MAX = 100_000;
/** Of sound: OpenAI counts 10 a second, Qwen 25, Gemini 32 (https://ai.google.dev/gemini-api/docs/audio). */
const TOKENS_PER_SECOND = { max: 50, estimate: 10 } as const;
/** Nobody speaks faster, in any script. An endpoint makes no more than its context. */
const TEXT_TOKENS_PER_SECOND_MAX = 25;
const TEXT_TOKENS_MIN = 256;
/** Shorter sounds are billed as one of so many seconds by some. https://console.groq.com/docs/speech-to-text */
const SECONDS_BILLED_MIN = 10;

const FIELDS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['language', aStringOf(64)],
  ['prompt', aStringOf(PROMPT_CHARACTERS_MAX)],
  ['temperature', aNumberIn(0, 1)],
  ['response_format', oneOf(['json', 'verbose_json'])],
  ['timestamp_granularities', aListOf(oneOf(['word', 'segment']), 2)],
]);

/** What a worker may edit. */
const TRANSCRIPTIONS_FIELDS = jobFields();

/** The base64 of the sound. Decoders skip what is no base64, so that what was written wrong shows in the length. */
const checkSound = (sound: unknown): string => {
  if (sound === undefined || sound === null) return refuse('input_audio', 'Invalid request: input_audio is required');
  if (!isObject(sound)) return refuse('input_audio', `Expected object, received ${typeOf(sound)}`);
  const { data, format } = sound;
  if (typeof format !== 'string') return refuse('input_audio.format', `Expected string, received ${typeOf(format)}`);
  if (!/^[A-Za-z0-9]{1,16}$/.test(format))
    return refuse('input_audio.format', 'Expected a format such as wav, mp3, flac, m4a, ogg, webm or aac');
  if (typeof data !== 'string') return refuse('input_audio.data', `Expected string, received ${typeOf(data)}`);
  if (data.startsWith('data:')) return refuse('input_audio.data', 'Expected base64, received a data URI');
  const bytes = Buffer.from(data, 'base64').length;
  if (bytes === 0) return refuse('input_audio.data', 'Expected base64 of at least 1 byte');
  if (bytes !== Math.floor((data.replace(/=+$/, '').length * 3) / 4))
    return refuse('input_audio.data', 'Expected base64, received something else');
  return data;
};

/** What it was counted by, as OpenAI's clients know it (`type`), and the exact cost. */
const transcriptionUsageJson = ({ usage, cost }: ChatBill): string => {
  const seconds = usage['seconds'] ?? 0;
  const [input, output] = [inputTokens(usage), outputTokens(usage)];
  const tokens =
    `"input_tokens":${input},"output_tokens":${output},"total_tokens":${input + output}` +
    `,"input_token_details":{"text_tokens":${input - (usage['audioInput'] ?? 0)},"audio_tokens":${usage['audioInput'] ?? 0}}`;
  const counted = [...(seconds === 0 ? [] : [`"seconds":${seconds}`]), ...(input + output === 0 ? [] : [tokens])];
  return `{"type":"${input + output === 0 ? 'duration' : 'tokens'}"${counted.map((part) => `,${part}`).join('')},"cost":${formatUsd(cost)}}`;
};

export const transcriptions: JobDialect = {
  name: 'transcriptions',
  readRequest(bytes) {
    const { value: body, spans } = parseBody(bytes, TRANSCRIPTIONS_FIELDS);
    for (const [field, check] of FIELDS) checkOptional(field, body[field], check);
    const data = checkSound(body['input_audio']);
    const { secondsMax, secondsEstimate } = soundLength(data);
    const text = measureTokens(
      bytes.length - data.length,
      { messageCount: 1, mediaCharacters: 0, images: 0, unbounded: false },
      0,
    );
    return readJob(body, spans, {
      api: 'transcriptions',
      bodyBytes: bytes.length,
      tokens: {
        max: text.max + secondsMax * TOKENS_PER_SECOND.max,
        estimate: text.estimate + secondsEstimate * TOKENS_PER_SECOND.estimate,
        // Models that listen in windows have no limit that could be told in tokens.
        longest: 1,
      },
      inputs: 1,
      images: 0,
      modalities: ['audio'],
      pieces: { seconds: Math.max(secondsMax, SECONDS_BILLED_MIN) },
      outputTokensMax: Math.max(secondsMax * TEXT_TOKENS_PER_SECOND_MAX, TEXT_TOKENS_MIN),
    });
  },
  withBill: (answer, bill) => putUsage(answer, bill && transcriptionUsageJson(bill)),
  toError: (error) => toDialectError(error, 'openai-chat'),
};
