// Embeddings at Bedrock, by InvokeModel in each maker's own shape: Amazon's Titan takes one text at a time, Cohere's take many. What others embed with is refused by name.
// https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html, https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed.html
import { cannotTake, embeddingsInput, type EmbeddingsInput } from '../jobs/embeddings-input.js';
import { fieldsOf, jobUpstream, leaveOutBut } from '../jobs/job-request.js';
import { writeEmbeddings } from '../jobs/write-embeddings.js';
import { isRecord, numberOf, present, recordOf, type JsonObject } from '../json-shape.js';
import { Losses } from '../losses.js';
import type { JobAnswer, Job, ResponseTerms } from '../spec.js';
import { encodeAws } from './sign-aws.js';

interface Asked {
  readonly input: EmbeddingsInput;
  readonly fields: JsonObject;
  readonly model: string;
  readonly losses: Losses;
}

interface Wanted {
  readonly count: number;
  readonly base64: boolean;
}

interface Maker {
  /** Of its models' names, behind the region that may stand before them. */
  readonly models: RegExp;
  body(asked: Asked): object;
  read(value: JsonObject, wanted: Wanted, terms: ResponseTerms): JobAnswer | undefined;
}

const textsOf = (input: EmbeddingsInput): readonly string[] => {
  if (input.kind === 'texts') return input.texts;
  throw cannotTake('input', 'takes text only');
};

/** The first Titan knows nothing but the text. */
const TITAN_WITHOUT_DIMENSIONS = /titan-embed-(text-v1|g1-text)/;

const titan: Maker = {
  models: /(^|[./])amazon\.titan-embed-(text|g1-text)-/,
  body({ input, fields, model, losses }) {
    const [text, ...more] = textsOf(input);
    if (text === undefined || more.length > 0) throw cannotTake('input', 'takes one text at a time');
    const dimensions = fields['dimensions'] ?? undefined;
    if ((fields['input_type'] ?? undefined) !== undefined) losses.leaveOut('input_type');
    if (!TITAN_WITHOUT_DIMENSIONS.test(model)) return { inputText: text, ...present({ dimensions }) };
    if (dimensions !== undefined) losses.leaveOut('dimensions');
    return { inputText: text };
  },
  read(value, wanted, terms) {
    const tokens = numberOf(value['inputTextTokenCount']);
    return writeEmbeddings([value['embedding']], wanted, terms, tokens === undefined ? undefined : { input: tokens });
  },
};

const INPUT_TYPES: Readonly<Record<string, string>> = {
  query: 'search_query',
  document: 'search_document',
  passage: 'search_document',
};
/** Only the fourth has more than one size. */
const COHERE_WITH_DIMENSIONS = /cohere\.embed-v4/;

/** How many tokens it read is told in a header, which no dialect sees: they are estimated. */
const cohere: Maker = {
  models: /(^|[./])cohere\.embed-/,
  body({ input, fields, model, losses }) {
    const told = fields['input_type'];
    if (typeof told !== 'string')
      losses.lose('input_type', 'The endpoint that served this needs `input_type`; `search_document` was assumed.');
    const dimensions = fields['dimensions'] ?? undefined;
    const sized = COHERE_WITH_DIMENSIONS.test(model);
    if (dimensions !== undefined && !sized) losses.leaveOut('dimensions');
    return {
      texts: textsOf(input),
      input_type: typeof told === 'string' ? (INPUT_TYPES[told] ?? told) : 'search_document',
      embedding_types: ['float'],
      ...(sized ? present({ output_dimension: dimensions }) : {}),
    };
  },
  read(value, wanted, terms) {
    // By type where types were asked for; earlier ones answered with the list alone.
    const told = value['embeddings'];
    const vectors: unknown = Array.isArray(told) ? told : recordOf(told)['float'];
    return Array.isArray(vectors) ? writeEmbeddings(vectors, wanted, terms, undefined) : undefined;
  },
};

const MAKERS: readonly Maker[] = [titan, cohere];

export const embedJob: Job = (request) => {
  const { upstreamModel: model } = request;
  const maker = MAKERS.find(({ models }) => models.test(model));
  if (maker === undefined) throw cannotTake('model', 'embeds in a way that is not known here');
  const fields = fieldsOf(request);
  const losses = new Losses();
  leaveOutBut(['model', 'input', 'dimensions', 'encoding_format', 'input_type'], fields, losses);
  const input = embeddingsInput(fields['input']);
  const body = Buffer.from(JSON.stringify(maker.body({ input, fields, model, losses })));
  const count = input.kind === 'texts' ? input.texts.length : input.inputs.length;
  const wanted = { count, base64: fields['encoding_format'] === 'base64' };
  return {
    upstream: jobUpstream(`/model/${encodeAws(model)}/invoke`, body, losses.warnings),
    readAnswer(bytes, terms) {
      const value: unknown = JSON.parse(bytes.toString('utf8'));
      return isRecord(value) ? maker.read(value, wanted, terms) : undefined;
    },
  };
};
