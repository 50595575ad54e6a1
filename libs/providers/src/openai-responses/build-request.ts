// The upstream request out of the client's own bytes: our fields leave, the model gets the provider's name, the output cap says what the hold buys, nothing is stored there,
// and thoughts are asked for sealed. Everything else goes on as the client wrote it.
import { WaystationError, type FieldSpan } from '@waystation/contracts';
import {
  OWN_RESPONSES_FIELDS,
  RESPONSES_FIELDS,
  RESPONSES_PARAMETERS,
  editMembers,
  scanTopLevelFields,
} from '@waystation/dialects';
import type { Warning } from '@waystation/generation';
import { recordOf } from '../json-shape.js';
import type { PassthroughRequest, UpstreamRequest } from '../spec.js';
import { ownThoughts } from './own-thoughts.js';
import { ENCRYPTED_REASONING, responsesHeaders, responsesPath, userField, wantsEncrypted } from './request-parts.js';

/** `metadata` is kept with a stored response alone, and may name the client's users. */
const OWN: ReadonlySet<string> = new Set([...OWN_RESPONSES_FIELDS, 'user', 'safety_identifier', 'metadata']);

const parse = (body: Buffer, span: FieldSpan | undefined): unknown => {
  if (span === undefined) return undefined;
  try {
    return JSON.parse(body.toString('utf8', span.valueStart, span.valueEnd));
  } catch {
    // Without a cause: a parser's message quotes the body, and causes are logged.
    throw new WaystationError('malformed_json', `The value of \`${span.key}\` is not valid JSON.`);
  }
};

const unsupported = (field: string): Warning => ({
  code: 'unsupported-parameter',
  message: `The endpoint that served this does not take \`${field}\`; it was left out.`,
  field,
});

const foreignThought = (): Warning => ({
  code: 'translated-with-loss',
  message: 'Reasoning of an earlier turn was not made by this kind of provider; it was left out.',
  field: 'input',
});

/** The least that the hold buys and the client asked for. */
const capOf = ({ outputCap }: PassthroughRequest, asked: unknown): string | undefined => {
  if (outputCap === undefined || (typeof asked === 'number' && asked <= outputCap)) return undefined;
  return String(outputCap);
};

const asksForReasoning = (told: unknown): boolean => {
  const { effort, enabled } = recordOf(told);
  return told !== undefined && told !== null && effort !== 'none' && enabled !== false;
};

/** What `include` is to hold; undefined where it may stay as it is. */
const includeOf = (told: unknown): string | undefined => {
  const asked: readonly unknown[] = Array.isArray(told) ? (told as unknown[]) : [];
  return asked.includes(ENCRYPTED_REASONING) ? undefined : JSON.stringify([...asked, ENCRYPTED_REASONING]);
};

/** @throws WaystationError `malformed_json` where the body is no JSON object */
export const buildResponsesRequest = (request: PassthroughRequest): UpstreamRequest => {
  const { body, upstreamModel, endUser, quirks } = request;
  const spans = request.spans ?? scanTopLevelFields(body, RESPONSES_FIELDS);
  if (spans === undefined) throw new WaystationError('malformed_json', 'The request body is not a JSON object.');
  const spanOf = (key: string): FieldSpan | undefined => spans.find((span) => span.key === key);
  const dropped = new Set(request.dropParameters);
  const remove: FieldSpan[] = [];
  const warnings: Warning[] = [];
  for (const span of spans) {
    const parameter = RESPONSES_PARAMETERS[span.key];
    if (OWN.has(span.key)) remove.push(span);
    else if (parameter !== undefined && dropped.has(parameter)) {
      remove.push(span);
      warnings.push(unsupported(span.key));
    }
  }
  const set = new Map<string, string>([
    ['model', JSON.stringify(upstreamModel)],
    ['store', 'false'],
  ]);
  const thoughts = ownThoughts(body, spanOf('input'));
  if (thoughts !== undefined) {
    set.set('input', thoughts.json);
    if (thoughts.leftOut) warnings.push(foreignThought());
  }
  const cap = capOf(request, parse(body, spanOf('max_output_tokens')));
  if (cap !== undefined) set.set('max_output_tokens', cap);
  const reasons = !dropped.has('reasoning') && asksForReasoning(parse(body, spanOf('reasoning')));
  const include = wantsEncrypted(reasons, quirks) ? includeOf(parse(body, spanOf('include'))) : undefined;
  if (include !== undefined) set.set('include', include);
  const field = userField(quirks);
  if (endUser !== undefined && field !== undefined) set.set(field, JSON.stringify(endUser));
  const replaced = (key: string): FieldSpan | undefined => (OWN.has(key) ? undefined : spanOf(key));
  return {
    path: responsesPath(quirks),
    headers: responsesHeaders(request.stream),
    body: editMembers(body, {
      remove,
      replace: [...set].flatMap(([key, json]) => {
        const span = replaced(key);
        return span === undefined ? [] : [{ span, json }];
      }),
      insert: [...set].flatMap(([key, json]) => (replaced(key) === undefined ? [{ key, json }] : [])),
    }),
    warnings,
    choices: 1,
    estimateInputTokens: () => undefined,
  };
};
