// The upstream request out of the client's own bytes: our fields leave, the model gets the provider's name, the output cap says what the hold buys,
// and a stream is asked for its usage. Everything else goes on as the client wrote it.
import type { FieldSpan } from '@waystation/contracts';
import { CHAT_FIELDS, OWN_CHAT_FIELDS, editMembers, scanTopLevelFields } from '@waystation/dialects';
import { WaystationError } from '@waystation/contracts';
import type { Warning } from '@waystation/generation';
import { markBody } from '../prompt-cache/mark-body.js';
import { inputTokensEstimator } from './estimate-input-tokens.js';
import { seedField } from './seed-field.js';
import type { PassthroughRequest, Quirks, UpstreamRequest } from '../spec.js';

const OWN: ReadonlySet<string> = new Set(OWN_CHAT_FIELDS);
const CAP_FIELDS: ReadonlySet<string> = new Set(['max_tokens', 'max_completion_tokens']);
/** More completions than this are not counted one by one. */
const CHOICES_MAX = 128;

const HEADERS: Readonly<Record<'stream' | 'body', readonly string[]>> = {
  stream: ['content-type', 'application/json', 'accept', 'text/event-stream'],
  body: ['content-type', 'application/json', 'accept', 'application/json'],
};

interface Edits {
  readonly remove: FieldSpan[];
  readonly replace: { span: FieldSpan; json: string }[];
  readonly insert: { key: string; json: string }[];
}

/** @throws WaystationError `malformed_json` where the body is no JSON object */
export const buildChatRequest = (request: PassthroughRequest): UpstreamRequest => {
  const spans = request.spans ?? scanTopLevelFields(request.body, CHAT_FIELDS);
  if (spans === undefined) throw new WaystationError('malformed_json', 'The request body is not a JSON object.');
  const edits: Edits = { remove: [], replace: [], insert: [] };
  const { dropParameters } = request;
  const warnings: Warning[] = [];
  for (const span of spans) {
    if (OWN.has(span.key)) edits.remove.push(span);
    else if (dropParameters.includes(span.key) && !CAP_FIELDS.has(span.key)) {
      edits.remove.push(span);
      warnings.push(unsupported(span.key));
    } else if (span.key === 'model') edits.replace.push({ span, json: JSON.stringify(request.upstreamModel) });
    else if (span.key === 'user') editUser(span, request, edits);
    else if (span.key === 'stream_options') editStreamOptions(span, request, edits);
    else if (span.key === 'seed') renameSeed(span, request, edits);
  }
  if (!spans.some((span) => span.key === 'model'))
    edits.insert.push({ key: 'model', json: JSON.stringify(request.upstreamModel) });
  if (request.stream && tellsUsage(request.quirks) && !spans.some((span) => span.key === 'stream_options')) {
    edits.insert.push({ key: 'stream_options', json: '{"include_usage":true}' });
  }
  capOutput(spans, request, edits);
  return {
    path: typeof request.quirks['chatPath'] === 'string' ? request.quirks['chatPath'] : '/chat/completions',
    headers: HEADERS[request.stream ? 'stream' : 'body'],
    body: marked(spans, request, editMembers(request.body, edits)),
    warnings,
    choices: choicesOf(spans, request.body),
    estimateInputTokens: inputTokensEstimator(request.body),
  };
};

/** Providers that cache by themselves need no marks, and know none. */
const marked = (spans: readonly FieldSpan[], { body, quirks }: PassthroughRequest, edited: Buffer): Buffer => {
  const asked = quirks['marksCache'] === true ? spans.findLast(({ key }) => key === 'cache_control') : undefined;
  return asked === undefined ? edited : markBody(edited, parse(body, asked), quirks, { marksTools: false });
};

const unsupported = (field: string): Warning => ({
  code: 'unsupported-parameter',
  message: `The endpoint that served this does not take \`${field}\`; it was left out.`,
  field,
});

const tellsUsage = (quirks: Quirks): boolean => quirks['usageInStream'] !== false;

const parse = (body: Buffer, span: FieldSpan): unknown => {
  try {
    return JSON.parse(body.toString('utf8', span.valueStart, span.valueEnd));
  } catch {
    // Without a cause: a parser's message quotes the body, and causes are logged.
    throw new WaystationError('malformed_json', `The value of \`${span.key}\` is not valid JSON.`);
  }
};

/** The client's name for its user never leaves: a stable stand-in does, or nothing. */
const editUser = (span: FieldSpan, request: PassthroughRequest, edits: Edits): void => {
  if (request.endUser === undefined || request.quirks['sendsUser'] === false) edits.remove.push(span);
  else edits.replace.push({ span, json: JSON.stringify(request.endUser) });
};

const editStreamOptions = (span: FieldSpan, request: PassthroughRequest, edits: Edits): void => {
  if (!request.stream || !tellsUsage(request.quirks)) {
    edits.remove.push(span);
    return;
  }
  const told = parse(request.body, span);
  const options = told !== null && typeof told === 'object' && !Array.isArray(told) ? told : {};
  edits.replace.push({ span, json: JSON.stringify({ ...options, include_usage: true }) });
};

const renameSeed = (span: FieldSpan, { body, quirks }: PassthroughRequest, edits: Edits): void => {
  const key = seedField(quirks);
  if (key === span.key) return;
  edits.remove.push(span);
  edits.insert.push({ key, json: body.toString('utf8', span.valueStart, span.valueEnd) });
};

/** One cap, under the name that the provider obeys, and never above what the hold buys. */
const capOutput = (spans: readonly FieldSpan[], request: PassthroughRequest, edits: Edits): void => {
  const field = request.quirks['outputCapField'] === 'max_completion_tokens' ? 'max_completion_tokens' : 'max_tokens';
  const written = spans.filter((span) => CAP_FIELDS.has(span.key));
  const asked = written.map((span) => parse(request.body, span)).filter((value) => typeof value === 'number');
  // Providers take a cap below 1 for none at all.
  const caps = request.outputCap === undefined ? asked : [...asked.filter((cap) => cap >= 1), request.outputCap];
  const [only] = written;
  if (
    written.length === 1 &&
    only?.key === field &&
    (request.outputCap === undefined || asked[0] === Math.min(...caps))
  )
    return;
  edits.remove.push(...written);
  if (caps.length > 0) edits.insert.push({ key: field, json: String(Math.min(...caps)) });
};

const choicesOf = (spans: readonly FieldSpan[], body: Buffer): number => {
  const span = spans.findLast((each) => each.key === 'n');
  const asked = span === undefined ? 1 : parse(body, span);
  return typeof asked === 'number' && Number.isInteger(asked) && asked > 1 ? Math.min(asked, CHOICES_MAX) : 1;
};
