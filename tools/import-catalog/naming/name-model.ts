// A provider's name of a model → the canonical one. By hand where somebody looked, by the base model that a source tells, and else by the rules; a name
// that tells no author, or that only one reseller uses, is nobody's and is reported.
import { authorOf, authorOfFamily } from './authors.ts';
import { CURATED, MOVING, MOVING_BASES, OPTIONAL_ENDINGS, RULES } from './rules.ts';

export interface ModelToName {
  /** Our slug of the provider. */
  readonly provider: string;
  /** The source's slug of the provider, under which it is looked up in what was curated. */
  readonly listedAs: string;
  readonly upstreamModel: string;
  readonly baseModel?: string;
}

export interface SpelledModel {
  readonly author: string;
  /** As this provider spells it, cleaned. */
  readonly slug: string;
  /** `free`, `thinking`: part of the canonical id behind a colon. */
  readonly variant?: string;
  readonly tag?: string;
  readonly quantization?: string;
  /** How sure the author is: somebody said so, or only the family's name does. */
  readonly authorFrom: 'id' | 'family';
}

export type Spelling = SpelledModel | { readonly unnamed: string };

/** Variants of the reference that are models of their own; any other is a setting of one reseller. */
const VARIANTS: readonly string[] = ['free', 'thinking', 'extended'];

interface Rewritten {
  readonly id: string;
  readonly tag?: string;
  readonly quantization?: string;
}

const rewrite = (provider: string, id: string): Rewritten =>
  RULES.filter(({ providers }) => providers === undefined || providers.includes(provider)).reduce<Rewritten>(
    (known, rule) => {
      const match = known.id.match(new RegExp(rule.pattern.source, rule.pattern.flags.replace('g', '')));
      if (match === null) return known;
      const filled = (text: string): string => text.replaceAll('$1', match[1] ?? '');
      const tag = [known.tag, rule.tag === undefined ? undefined : filled(rule.tag)].filter(
        (each) => each !== undefined,
      );
      return {
        id: known.id.replace(rule.pattern, rule.to),
        ...(tag.length === 0 ? {} : { tag: tag.join('-') }),
        ...(rule.quantization === undefined
          ? known.quantization === undefined
            ? {}
            : { quantization: known.quantization }
          : { quantization: filled(rule.quantization) }),
      };
    },
    { id },
  );

/** What two spellings of one model have in common: neither dashes nor points, neither spaces nor capitals. */
export const keyOf = (author: string, slug: string): string =>
  `${author}/${slug.toLowerCase().replaceAll(/[^a-z0-9]/g, '')}`;

const spell = (
  author: string,
  rest: string,
  from: SpelledModel['authorFrom'],
  more: Omit<Rewritten, 'id'>,
): Spelling => {
  const [slug = '', ...variants] = rest.split(':');
  const variant = variants[0];
  if (variants.length > 1 || (variant !== undefined && !VARIANTS.includes(variant)))
    return { unnamed: `":${variants.join(':')}" is a setting of this provider` };
  if (!/^[a-z0-9][a-z0-9.-]*$/.test(slug)) return { unnamed: 'what is left of its name is no slug' };
  return {
    ...{ author, slug, authorFrom: from },
    ...(variant === undefined ? {} : { variant }),
    ...(more.tag === undefined ? {} : { tag: more.tag }),
    ...(more.quantization === undefined ? {} : { quantization: more.quantization }),
  };
};

const spellText = (id: string, more: Omit<Rewritten, 'id'>): Spelling => {
  const slash = id.indexOf('/');
  if (slash < 0) {
    const author = authorOfFamily(id);
    return author === undefined
      ? { unnamed: 'no author is in its name, and no family that is known' }
      : spell(author, id, 'family', more);
  }
  const [prefix, rest] = [id.slice(0, slash), id.slice(slash + 1)];
  const author = authorOf(prefix);
  if (author === undefined) return { unnamed: `nobody is known as "${prefix}"` };
  if (rest.includes('/')) return { unnamed: 'it is filed in folders that no rule knows' };
  return spell(author, rest, 'id', more);
};

export const spellModel = (
  { provider, listedAs, upstreamModel, baseModel }: ModelToName,
  isKnown: (author: string, slug: string) => boolean,
): Spelling => {
  const curated = CURATED[`${listedAs}/${upstreamModel}`];
  if (curated !== undefined) {
    const [author = '', slug = ''] = curated.split('/');
    return spell(author, slug, 'id', {});
  }
  const raw = upstreamModel.toLowerCase();
  const moves = { unnamed: 'its name moves from model to model' };
  if (MOVING.some((pattern) => pattern.test(raw))) return moves;
  const own = rewrite(provider, raw);
  const byOwnName = spellText(own.id, own);
  // A name that everybody knows is believed before what a source says lies below it.
  if (baseModel === undefined || (!('unnamed' in byOwnName) && isKnown(byOwnName.author, byOwnName.slug)))
    return byOwnName;
  if (MOVING_BASES.some((pattern) => pattern.test(baseModel))) return moves;
  const { id } = rewrite('', baseModel.toLowerCase());
  const variant = /:(free|thinking)$/.exec(own.id)?.[0] ?? '';
  return spellText(`${id}${variant}`, own);
};

export interface Named {
  readonly model: string;
  readonly tag?: string;
  readonly quantization?: string;
}

/** Names that somebody else already gave, in the order of who is to be believed. */
export type Registry = ReadonlyMap<string, string>;

export const registryOf = (ids: readonly string[]): Registry => {
  const known = new Map<string, string>();
  for (const id of ids) {
    const [author = '', rest = ''] = id.split('/');
    const slug = rest.split(':')[0] ?? '';
    const key = keyOf(author, slug);
    if (!known.has(key)) known.set(key, slug);
  }
  return known;
};

const lookUp = (registry: Registry, author: string, slug: string): string | undefined => {
  const key = keyOf(author, slug);
  const found = registry.get(key);
  if (found !== undefined) return found;
  for (const ending of OPTIONAL_ENDINGS) {
    const other = key.endsWith(ending) ? key.slice(0, -ending.length) : `${key}${ending}`;
    const known = registry.get(other);
    if (known !== undefined) return known;
  }
  return undefined;
};

export interface Naming {
  nameOf(model: ModelToName): Named | { readonly unnamed: string };
}

/**
 * Names everything that is to be named, together: what the registry does not know gets the spelling that most providers use (the shortest, then the first
 * by the alphabet, where they are equally many), and is believed of a family's name only where two providers use it.
 */
export const createNaming = (registry: Registry, all: readonly ModelToName[]): Naming => {
  const isKnown = (author: string, slug: string): boolean => lookUp(registry, author, slug) !== undefined;
  const spellings = new Map<string, Map<string, Set<string>>>();
  for (const model of all) {
    const spelled = spellModel(model, isKnown);
    if ('unnamed' in spelled || isKnown(spelled.author, spelled.slug)) continue;
    const key = keyOf(spelled.author, spelled.slug);
    const group = spellings.get(key) ?? new Map<string, Set<string>>();
    spellings.set(key, group);
    group.set(spelled.slug, (group.get(spelled.slug) ?? new Set()).add(`${spelled.authorFrom} ${model.provider}`));
  }
  const chosen = new Map<string, { readonly slug: string; readonly users: ReadonlySet<string> }>();
  for (const [key, group] of spellings) {
    const [best] = [...group].sort(
      ([a, left], [b, right]) => right.size - left.size || a.length - b.length || (a < b ? -1 : 1),
    );
    if (best !== undefined)
      chosen.set(key, { slug: best[0], users: new Set([...group.values()].flatMap((users) => [...users])) });
  }
  return {
    nameOf(model) {
      const spelled = spellModel(model, isKnown);
      if ('unnamed' in spelled) return spelled;
      const { author, variant, tag, quantization } = spelled;
      const known = lookUp(registry, author, spelled.slug);
      const mine = chosen.get(keyOf(author, spelled.slug));
      const believed =
        known !== undefined ||
        (mine !== undefined &&
          (mine.users.size > 1 ||
            [...mine.users].some((user) => user.startsWith('id ')) ||
            isFirstParty(author, model.provider)));
      if (!believed) return { unnamed: 'only one reseller uses this name, and it tells no author' };
      return {
        model: `${author}/${known ?? mine?.slug ?? spelled.slug}${variant === undefined ? '' : `:${variant}`}`,
        ...(tag === undefined ? {} : { tag }),
        ...(quantization === undefined ? {} : { quantization }),
      };
    },
  };
};

/** Providers that serve their own models under plain names. */
const OWN_PROVIDERS: Readonly<Record<string, readonly string[]>> = {
  ai21: ['ai21'],
  amazon: ['amazon-bedrock', 'nova'],
  cohere: ['cohere', 'azure'],
  deepseek: ['deepseek'],
  google: ['google-ai-studio', 'google-vertex'],
  inception: ['inception'],
  jinaai: ['jina'],
  microsoft: ['azure'],
  mistralai: ['mistral'],
  moonshotai: ['moonshotai'],
  morph: ['morph'],
  openai: ['openai', 'openai-responses', 'azure'],
  anthropic: ['anthropic'],
  perplexity: ['perplexity'],
  poolside: ['poolside'],
  qwen: ['alibaba', 'alibaba-cn'],
  sakana: ['sakana'],
  sarvam: ['sarvam'],
  stepfun: ['stepfun'],
  tencent: ['tencent-tokenhub'],
  upstage: ['upstage'],
  vercel: ['v0'],
  voyageai: ['voyage'],
  'x-ai': ['xai'],
  xiaomi: ['xiaomi'],
  'z-ai': ['z-ai', 'zhipuai'],
};

/** Providers that host the weights of others under the names of these, and have none of their own. */
const HOSTS: readonly string[] = [
  'amazon-bedrock',
  'azure',
  'azure-chat',
  'cerebras',
  'cloudflare',
  'fireworks',
  'groq',
  'sambanova',
];

const isFirstParty = (author: string, provider: string): boolean =>
  HOSTS.includes(provider) || (OWN_PROVIDERS[author]?.includes(provider) ?? false);
