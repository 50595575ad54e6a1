// A transcript, as OpenAI and its followers tell it: the answer's bytes pass. https://platform.openai.com/docs/api-reference/audio/json-object, …/audio/verbose-json-object
import type { SoundLength } from '@waystation/dialects';
import type { Usage } from '@waystation/generation';
import { isRecord, numberOf, recordOf, type JsonObject } from '../json-shape.js';
import { parseInBandError } from '../provider-error.js';
import type { AskedJob } from '../spec.js';

const CHARACTERS_PER_TOKEN = 4;

const tokensOf = (usage: JsonObject): Usage | undefined => {
  const input = numberOf(usage['input_tokens']) ?? numberOf(usage['prompt_tokens']);
  const output = numberOf(usage['output_tokens']) ?? numberOf(usage['completion_tokens']);
  if (input === undefined && output === undefined) return undefined;
  const details = recordOf(usage['input_token_details'] ?? usage['prompt_tokens_details']);
  const text = numberOf(details['text_tokens']) ?? 0;
  // Where nobody says what of it was text, all of it was sound.
  const sound = numberOf(details['audio_tokens']) ?? (input ?? 0) - text;
  const rest = (input ?? 0) - sound;
  return { ...(rest === 0 ? {} : { input: rest }), audioInput: sound, output: output ?? 0 };
};

/** Begun seconds, as OpenAI tells them. A duration is a number, or was a text in older versions of its API. */
const secondsOf = (value: unknown): number | undefined => {
  const seconds = typeof value === 'string' && value !== '' ? Number(value) : numberOf(value);
  return seconds !== undefined && Number.isFinite(seconds) ? Math.ceil(seconds) : undefined;
};

export interface TranscriptTerms {
  readonly length: SoundLength;
  /** The provider bills the duration that it tells in a verbose answer, and tells no usage. */
  readonly byDuration: boolean;
  /** It was asked for a verbose answer only because of that: the client gets the text. */
  readonly textOnly: boolean;
  /** The fewest seconds that the provider bills. */
  readonly secondsMin: number;
}

export const transcriptAnswer = ({
  length,
  byDuration,
  textOnly,
  secondsMin,
}: TranscriptTerms): Pick<AskedJob, 'readAnswer' | 'estimatedPieces'> => {
  const billed = (seconds: number): number => (seconds > 0 ? Math.max(seconds, secondsMin) : seconds);
  const usageOf = (value: JsonObject): Usage | undefined => {
    const usage = recordOf(value['usage']);
    const tokens = tokensOf(usage);
    const seconds = secondsOf(usage['seconds']) ?? (byDuration ? secondsOf(value['duration']) : undefined);
    if (tokens === undefined && seconds === undefined) return undefined;
    return { ...tokens, ...(seconds === undefined ? {} : { seconds: billed(seconds) }) };
  };
  const estimatedSeconds = billed(length.secondsEstimate);
  return {
    estimatedPieces: { seconds: estimatedSeconds },
    readAnswer(body, terms) {
      const value: unknown = JSON.parse(body.toString('utf8'));
      if (!isRecord(value)) return undefined;
      if ((value['error'] ?? null) !== null) return parseInBandError(body.toString('utf8'), terms);
      const { text } = value;
      // A sound in which nobody speaks has an empty transcript.
      if (typeof text !== 'string') return undefined;
      return {
        body: textOnly ? Buffer.from(JSON.stringify({ text })) : body,
        usage: usageOf(value),
        pieces: {
          seconds: billed(secondsOf(value['duration']) ?? length.secondsEstimate),
          output: Math.ceil(text.length / CHARACTERS_PER_TOKEN),
        },
      };
    },
  };
};
