// What a file of a station's settings is made of, as data: sections of things with a name and settings. What a file does not say of a thing has its usual value, so that the
// file alone decides what is; a section that it does not have is left alone.

export type Json = Readonly<Record<string, unknown>>;

export const SECTIONS = [
  'surcharges',
  'private_providers',
  'keys',
  'limits',
  'guardrails',
  'presets',
  'task_rules',
] as const;
export type Section = (typeof SECTIONS)[number];

/** Whole: every setting of its section has a value. */
export interface Thing {
  readonly section: Section;
  /** Names it in its section, for people and in the file. */
  readonly name: string;
  readonly settings: Json;
}

/** As the station has it. */
export interface FoundThing extends Thing {
  /** By which the API knows it. */
  readonly id: string;
  /** It cannot be deleted, or is not the file's to delete. */
  readonly kept?: boolean;
}

export interface Desired {
  /** That the file has, be they empty. */
  readonly sections: ReadonlySet<Section>;
  readonly things: readonly Thing[];
}

/** Of settings that a thing has without having been told. Lists of them are sections that have no list, but one thing. */
const USUAL: Readonly<Record<Section, Json>> = {
  surcharges: { markup_percent: 0, byok_fee_percent: 0 },
  private_providers: { apiKey: null },
  keys: {
    limit: null,
    limit_reset: null,
    include_byok_in_limit: false,
    disabled: false,
    expires_at: null,
    creator_user_id: null,
  },
  limits: { scope_id: null, free_only: false, include_byok: false },
  guardrails: {
    description: null,
    limit_usd: null,
    reset_interval: null,
    include_byok_in_budgets: false,
    allowed_models: null,
    ignored_models: null,
    allowed_providers: null,
    ignored_providers: null,
    allowed_regions: null,
    enforce_zdr_anthropic: false,
    enforce_zdr_openai: false,
    enforce_zdr_google: false,
    enforce_zdr_xai: false,
    enforce_zdr_other: false,
    content_filters: null,
    content_filter_builtins: null,
    keys: [],
    members: [],
  },
  presets: { description: null, status: 'active', system: null, settings: {} },
  task_rules: {},
};

/** Settings that only a new thing can be given. */
export const GIVEN_ONCE: Readonly<Partial<Record<Section, readonly string[]>>> = {
  keys: ['expires_at', 'creator_user_id'],
};

/** Sections that are one thing, not a list of them. */
export const isSingle = (section: Section): boolean => section === 'surcharges' || section === 'task_rules';

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const present = (value: Json): Json =>
  Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined));

const ZDR = /^enforce_zdr_/;
const withUsual = (section: Section, usual: Json, said: Json): Json => {
  const { enforce_zdr: all, ...rest } = said;
  if (section !== 'guardrails' || all === undefined) return { ...usual, ...rest };
  const zdr = Object.fromEntries(
    Object.keys(usual)
      .filter((name) => ZDR.test(name))
      .map((name) => [name, all]),
  );
  return { ...usual, ...zdr, ...rest };
};

const instantOf = (value: unknown): unknown =>
  typeof value === 'string' && !Number.isNaN(Date.parse(value)) ? new Date(value).toISOString() : value;
const filterOf = (filter: unknown): unknown =>
  isObject(filter) ? { label: null, ...present(filter), applies_to: filter['applies_to'] ?? 'input' } : filter;
const builtinOf = (filter: unknown): unknown =>
  isObject(filter)
    ? { ...present({ ...filter, label: undefined }), applies_to: filter['applies_to'] ?? 'input' }
    : filter;
const sorted = (list: unknown): unknown => (Array.isArray(list) ? [...new Set(list.map(String))].sort() : list);
const mapped = (list: unknown, each: (item: unknown) => unknown): unknown =>
  Array.isArray(list) ? list.map(each) : list;

/** Said or found, a thing reads the same: usual values filled in, lists without order in order. */
export const wholeSettings = (section: Section, said: Json): Json => {
  const whole = withUsual(section, USUAL[section], present(said));
  if (section === 'keys') return { ...whole, expires_at: instantOf(whole['expires_at']) };
  if (section === 'presets') return { name: whole['slug'], ...whole };
  if (section !== 'guardrails') return whole;
  return {
    ...whole,
    content_filters: mapped(whole['content_filters'], filterOf),
    content_filter_builtins: mapped(whole['content_filter_builtins'], builtinOf),
    keys: sorted(whole['keys']),
    members: sorted(whole['members']),
  };
};

/** What a file has to say of it, and no more. */
export const saidSettings = (section: Section, whole: Json): Json => {
  const usual = wholeSettings(section, section === 'presets' ? { slug: whole['slug'] } : {});
  return Object.fromEntries(
    Object.entries(whole).filter(
      ([name, value]) => name === 'slug' || JSON.stringify(value) !== JSON.stringify(usual[name]),
    ),
  );
};

const LIMIT_NAME = ['scope', 'scope_id', 'metric', 'window', 'free_only'] as const;

/** The setting that names a thing, where it is one; a limit is named by what it limits. */
export const nameOfThing = (section: Section, said: Json): string | undefined => {
  if (isSingle(section)) return section;
  if (section === 'limits')
    return LIMIT_NAME.map((name) =>
      name === 'free_only' ? (said[name] === true ? 'free only' : '') : String(said[name] ?? ''),
    )
      .filter((word) => word !== '')
      .join(' ');
  const name =
    section === 'presets'
      ? said['slug']
      : section === 'private_providers'
        ? (said['slug'] ?? said['extends'])
        : said['name'];
  return typeof name === 'string' && name !== '' ? name : undefined;
};

/** The guardrail of everybody in the workspace. */
export const DEFAULT_GUARDRAIL = 'default';
