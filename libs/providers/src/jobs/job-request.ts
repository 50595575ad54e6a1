// What asking for a job has in common over the dialects: the client's fields as an object, or its bytes with our fields edited; always one JSON body each way.
import { WaystationError, type FieldSpan } from '@waystation/contracts';
import { OWN_JOB_FIELDS, editMembers, scanTopLevelFields } from '@waystation/dialects';
import type { Warning } from '@waystation/generation';
import { isRecord, type JsonObject } from '../json-shape.js';
import type { Losses } from '../losses.js';
import type { JobRequest, UpstreamRequest } from '../spec.js';

const OWN: ReadonlySet<string> = new Set(OWN_JOB_FIELDS);

const notAnObject = (): WaystationError =>
  new WaystationError('malformed_json', 'The request body is not a JSON object.');

/** The client's request. @throws WaystationError `malformed_json` */
export const fieldsOf = ({ body }: JobRequest): JsonObject => {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    // Without a cause: a parser's message quotes the body, and causes are logged.
    throw notAnObject();
  }
  if (!isRecord(value)) throw notAnObject();
  return value;
};

/** Fields that the dialect has no word for are told. What is ours, and `null`, says nothing to a provider. */
export const leaveOutBut = (known: readonly string[], fields: JsonObject, losses: Losses): void => {
  for (const [name, value] of Object.entries(fields))
    if (!known.includes(name) && !OWN.has(name) && value !== null && name !== 'user' && name !== 'stream')
      losses.leaveOut(name);
};

/** @param accept the media type of the answer */
export const jobUpstream = (
  path: string,
  body: Buffer,
  warnings: readonly Warning[],
  accept = 'application/json',
): UpstreamRequest => ({
  ...{ path, headers: ['content-type', 'application/json', 'accept', accept], body, warnings, choices: 1 },
  // The ingress counted what goes in; there is nothing that this would know better.
  estimateInputTokens: () => undefined,
});

/** The client's bytes: our fields leave, the model gets the provider's name, the end user a stand-in. Everything else goes on as it was written; `more` is put in. */
export const passingBody = (
  { body, spans: scanned, upstreamModel, endUser }: JobRequest,
  wanted: ReadonlySet<string>,
  leftOut: (field: string) => boolean,
  more: readonly { readonly key: string; readonly json: string }[] = [],
): Buffer => {
  const spans = scanned ?? scanTopLevelFields(body, wanted);
  if (spans === undefined) throw notAnObject();
  const [remove, replace]: [FieldSpan[], { span: FieldSpan; json: string }[]] = [[], []];
  for (const span of spans) {
    if (span.key === 'model') replace.push({ span, json: JSON.stringify(upstreamModel) });
    else if (span.key === 'user' && endUser !== undefined) replace.push({ span, json: JSON.stringify(endUser) });
    else if (span.key === 'user' || OWN.has(span.key) || leftOut(span.key)) remove.push(span);
  }
  const insert = spans.some(({ key }) => key === 'model')
    ? []
    : [{ key: 'model', json: JSON.stringify(upstreamModel) }];
  return editMembers(body, { remove, replace, insert: [...insert, ...more] });
};
