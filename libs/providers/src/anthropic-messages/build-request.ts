// The upstream request out of the client's own bytes: our fields leave, the model gets the provider's name, the output cap says what the hold buys. Everything else,
// beta fields included, goes on as the client wrote it.
import { WaystationError, type FieldSpan } from '@waystation/contracts';
import {
  MESSAGES_FIELDS,
  MESSAGES_PARAMETERS,
  OWN_MESSAGES_FIELDS,
  editMembers,
  scanTopLevelFields,
} from '@waystation/dialects';
import type { Warning } from '@waystation/generation';
import { markBody } from '../prompt-cache/mark-body.js';
import type { PassthroughRequest, UpstreamRequest } from '../spec.js';
import { messagesHeaders, messagesPath } from './headers.js';
import { withoutEnvelopes } from './without-envelopes.js';

const OWN: ReadonlySet<string> = new Set(OWN_MESSAGES_FIELDS);

const parse = (body: Buffer, span: FieldSpan): unknown => {
  try {
    return JSON.parse(body.toString('utf8', span.valueStart, span.valueEnd));
  } catch {
    throw new WaystationError('malformed_json', `The value of \`${span.key}\` is not valid JSON.`);
  }
};

const unsupported = (field: string): Warning => ({
  code: 'unsupported-parameter',
  message: `The endpoint that served this does not take \`${field}\`; it was left out.`,
  field,
});

const foreignThought: Warning = {
  code: 'translated-with-loss',
  message: 'Reasoning of an earlier turn was not made by this kind of provider; it was left out.',
  field: 'messages',
};

/** The least that the hold buys and the client asked for. `max_tokens` is not optional there. */
const capOf = ({ body, outputCap }: PassthroughRequest, span: FieldSpan | undefined): string | undefined => {
  const asked = span === undefined ? undefined : parse(body, span);
  const told = typeof asked === 'number' ? asked : undefined;
  if (outputCap === undefined || (told !== undefined && told <= outputCap)) return undefined;
  return String(outputCap);
};

/** @throws WaystationError `malformed_json` where the body is no JSON object */
export const buildMessagesRequest = (request: PassthroughRequest): UpstreamRequest => {
  const { upstreamModel, endUser, quirks } = request;
  const cleaned = withoutEnvelopes(request.body);
  const body = cleaned ?? request.body;
  const spans = (cleaned === undefined ? request.spans : undefined) ?? scanTopLevelFields(body, MESSAGES_FIELDS);
  if (spans === undefined) throw new WaystationError('malformed_json', 'The request body is not a JSON object.');
  const dropped = new Set(request.dropParameters);
  const remove: FieldSpan[] = [];
  const replace: { span: FieldSpan; json: string }[] = [];
  const insert: { key: string; json: string }[] = [];
  const warnings: Warning[] = cleaned === undefined ? [] : [foreignThought];
  const cap = capOf(
    { ...request, body },
    spans.find(({ key }) => key === 'max_tokens'),
  );
  for (const span of spans) {
    const parameter = MESSAGES_PARAMETERS[span.key];
    if (OWN.has(span.key)) remove.push(span);
    else if (parameter !== undefined && dropped.has(parameter)) {
      remove.push(span);
      warnings.push(unsupported(span.key));
    } else if (span.key === 'model') replace.push({ span, json: JSON.stringify(upstreamModel) });
    else if (span.key === 'max_tokens' && cap !== undefined) replace.push({ span, json: cap });
    // The client's name for its user never leaves: a stable stand-in does, or nothing.
    else if (span.key === 'metadata') remove.push(span);
  }
  if (!spans.some(({ key }) => key === 'model')) insert.push({ key: 'model', json: JSON.stringify(upstreamModel) });
  if (cap !== undefined && !spans.some(({ key }) => key === 'max_tokens'))
    insert.push({ key: 'max_tokens', json: cap });
  if (endUser !== undefined) insert.push({ key: 'metadata', json: JSON.stringify({ user_id: endUser }) });
  const cacheControl = spans.findLast(({ key }) => key === 'cache_control');
  const edited = editMembers(body, { remove, replace, insert });
  return {
    path: messagesPath(quirks),
    headers: messagesHeaders(request.stream, quirks),
    body:
      cacheControl === undefined ? edited : markBody(edited, parse(body, cacheControl), quirks, { marksTools: true }),
    warnings,
    choices: 1,
    estimateInputTokens: () => undefined,
  };
};
