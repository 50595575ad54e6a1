// Bodies about private providers. What a provider or an endpoint says is read by control, with the schema of the operator's file; here it only has to be an object.
import { FORCE_CHARACTERS_MAX } from '@waystation/contracts';
import { readJsonObject, refuseUnknown, textOf } from './read-json.js';

type Members = Readonly<Record<string, unknown>>;

const MODEL_CHARACTERS_MAX = 256;
const TAG_CHARACTERS_MAX = 64;

const forceOf = (value: unknown): { readonly force?: string } =>
  value === undefined || value === null ? {} : { force: textOf('force', value, FORCE_CHARACTERS_MAX) };

/** `force` stands beside what is said. @throws WaystationError `malformed_json`, `invalid_request` */
export const readSaid = (
  body: unknown,
): { readonly said: Record<string, unknown>; readonly force: { readonly force?: string } } => {
  const { force, ...said } = readJsonObject(body);
  return { said, force: forceOf(force) };
};

/** Which endpoints are to be tried; all of them where nothing is said. */
export const readProbeOrder = (body: unknown): { readonly model?: string; readonly force?: string } => {
  const value: Members = Buffer.isBuffer(body) && body.length > 0 ? readJsonObject(body) : {};
  refuseUnknown(value, ['model', 'force']);
  const { model, force } = value;
  return {
    ...(model === undefined ? {} : { model: textOf('model', model, MODEL_CHARACTERS_MAX) }),
    ...forceOf(force),
  };
};

/** Names an endpoint of a provider in the query. */
export const readEndpointName = (query: Members): { readonly model: string; readonly tag?: string } => {
  refuseUnknown(query, ['model', 'tag']);
  return {
    model: textOf('model', query['model'], MODEL_CHARACTERS_MAX),
    ...(query['tag'] === undefined ? {} : { tag: textOf('tag', query['tag'], TAG_CHARACTERS_MAX) }),
  };
};
