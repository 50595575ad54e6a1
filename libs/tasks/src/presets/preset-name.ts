// How a request names a preset: `@preset/slug` as its model, behind a model, or in a field of its own. Pure.

export interface PresetName {
  readonly slug: string;
  /** That stands before it. */
  readonly model: string | undefined;
}

const IN_MODEL = /^(.*?)@preset\/(.*)$/s;

/** Undefined where the model names none. */
export const presetInModel = (model: unknown): PresetName | undefined => {
  const found = typeof model === 'string' ? IN_MODEL.exec(model) : null;
  return found === null ? undefined : { slug: found[2] ?? '', model: found[1] === '' ? undefined : found[1] };
};
