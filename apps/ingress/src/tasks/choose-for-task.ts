// A request for `waystation/auto` or `openrouter/free` becomes one for models, before it is planned: features → rule → models. What is chosen is told with the decision.
// Invariants: nothing of the prompt's text leaves here; text is read only where a rule speaks of it; the models chosen pass every rule that the request must pass.
import type { Bus } from '@waystation/bus';
import { WaystationError, type ProviderPreferences, type RouteFeatures, type TaskRule } from '@waystation/contracts';
import { mergeRules, rulesOfPolicy } from '@waystation/policy';
import type { CatalogSnapshot, HeadSnapshot, PolicySnapshot } from '@waystation/runtime';
import {
  chooseModels,
  classify,
  compileRules,
  DEFAULT_RULES,
  languageOf,
  looksSensitive,
  readText,
  REFUSED_BECAUSE,
  routerOf,
  ruleFor,
  TEXT_FEATURES,
  type Candidate,
  type CompiledRules,
  type PresetDialect,
  type TaskFeatures,
} from '@waystation/tasks';
import { canReadAll, mayReadFiles } from '../files/parse-files.js';
import { shortHash } from '../short-hash.js';
import type { Generation } from '../generate/generation.js';
import { readAutoSettings, type AutoSettings } from './auto-settings.js';
import { budgetLeft } from './budget-left.js';
import { candidatesFor, type Market } from './candidates.js';

export interface ChooserDeps {
  readonly bus: Bus;
  readonly catalog: Pick<HeadSnapshot<CatalogSnapshot>, 'current' | 'ready'>;
  readonly policies: Pick<HeadSnapshot<PolicySnapshot>, 'current'>;
}

/** What stands in the place of a router's name. */
export interface Choice {
  /** As the client wrote it. */
  readonly router: string;
  readonly rule?: string;
  readonly task?: string;
  readonly difficulty?: string;
  readonly models: readonly string[];
  readonly preferences: ProviderPreferences;
}

const TEXT_DIALECTS: Readonly<Record<string, PresetDialect | 'openai-completions'>> = {
  'openai-chat': 'openai-chat',
  'openai-completions': 'openai-completions',
  'anthropic-messages': 'anthropic-messages',
  'openai-responses': 'openai-responses',
};

const STATION_RULES = compileRules(DEFAULT_RULES);
/** Per list of rules, which a workspace keeps for as long as nobody changes them. */
const compiled = new WeakMap<readonly TaskRule[], CompiledRules>();
const rulesOf = (rules: readonly TaskRule[] | undefined): CompiledRules => {
  if (rules === undefined) return STATION_RULES;
  const known = compiled.get(rules) ?? compileRules(rules);
  compiled.set(rules, known);
  return known;
};

const invalid = (problem: string): WaystationError =>
  new WaystationError('invalid_request', `model: ${problem}`, { details: { field: 'model' } });

/** The one router that the request names. @throws WaystationError `invalid_request`, `model_not_found` */
const routerNamed = (models: readonly string[]): string | undefined => {
  const named = models.filter((model) => routerOf(model) !== undefined);
  const [first, second] = named;
  if (first === undefined) return undefined;
  if (second !== undefined) throw invalid(`${first} and ${second} cannot be combined; ask for one of them`);
  if (routerOf(first) === 'refused')
    throw new WaystationError('model_not_found', `${REFUSED_BECAUSE[first] ?? `${first} is not served here`}.`);
  return first;
};

const noModel = (router: string, rule: string | undefined): WaystationError =>
  new WaystationError(
    'no_endpoints',
    `No models match your request and model restrictions: ${router}${rule === undefined ? '' : `, by its rule "${rule}"`}, found none that can serve it.`,
  );

/** Read once more: what its dialect made of it holds no text, and few ask for this. */
const bodyOf = ({ body }: Generation): Readonly<Record<string, unknown>> =>
  body.bytes === undefined ? {} : (JSON.parse(body.bytes.toString('utf8')) as Readonly<Record<string, unknown>>);

interface TextFeatures {
  readonly task: string;
  readonly difficulty: string;
  readonly language: string;
  readonly sensitive: boolean;
}

const textFeatures = (generation: Generation, rules: CompiledRules, body: object): TextFeatures => {
  const said = generation.task;
  const dialect = TEXT_DIALECTS[generation.request.features.dialect];
  const isWanted = [...rules.features].some((name) => TEXT_FEATURES.has(name));
  if (!isWanted || dialect === undefined)
    return { task: said ?? 'unknown', difficulty: 'unknown', language: 'other', sensitive: false };
  const { question, instructions } = readText(dialect, body);
  const guessed = classify(question === '' ? instructions : question);
  return {
    task: said ?? guessed.task,
    difficulty: guessed.difficulty,
    language: rules.features.has('language') ? languageOf(question) : 'other',
    sensitive: rules.features.has('sensitive') && (looksSensitive(question) || looksSensitive(instructions)),
  };
};

const featuresOf = async (
  bus: Bus,
  generation: Generation,
  rules: CompiledRules,
  text: TextFeatures,
): Promise<TaskFeatures> => {
  const { features } = generation.request;
  const now = new Date(generation.createdAt);
  return {
    ...text,
    tokens: features.inputTokensEstimate,
    max_output: features.maxOutputTokens ?? 0,
    messages: features.messageCount,
    tools: features.toolCount,
    images: features.inputModalities.includes('image'),
    files: features.inputModalities.includes('file'),
    audio: features.inputModalities.includes('audio'),
    json: features.parameters.includes('response_format'),
    stream: features.stream,
    api: features.api,
    hour: now.getUTCHours(),
    weekday: now.getUTCDay() === 0 ? 7 : now.getUTCDay(),
    budget_left: rules.features.has('budget_left') ? await budgetLeft(bus, generation) : 1,
  };
};

/** A rule only ever narrows what the request says; its order is for requests that say none. */
const withRule = (preferences: ProviderPreferences, rule: TaskRule): ProviderPreferences => ({
  ...preferences,
  ...(rule.zdr === true ? { zdr: true } : {}),
  ...(rule.denyDataCollection === true ? { dataCollection: 'deny' } : {}),
  ...(preferences.sort !== undefined || rule.sort === undefined ? {} : { sort: { by: rule.sort } }),
});

/** Nothing is paid at any endpoint, also where a model is offered for money elsewhere. */
const withoutPrice = (preferences: ProviderPreferences): ProviderPreferences => ({
  ...preferences,
  maxPrice: { prompt: '0', completion: '0', request: '0', image: '0', audio: '0' },
});

/** A file that is read here needs no model that takes it. */
const neededOf = (generation: Generation): RouteFeatures => {
  const { features } = generation.request;
  if (!mayReadFiles(generation) || !canReadAll(generation)) return features;
  return { ...features, inputModalities: features.inputModalities.filter((modality) => modality !== 'file') };
};

const candidates = (market: Market, generation: Generation, preferences: ProviderPreferences): Candidate[] => {
  const policy = mergeRules((generation.caller.policies ?? []).map(rulesOfPolicy));
  return candidatesFor(market, {
    identity: generation.identity,
    policy,
    preferences,
    features: neededOf(generation),
  });
};

/** Any of those that cost nothing, and for one conversation the same. */
const chooseFree = (market: Market, generation: Generation, settings: AutoSettings): Omit<Choice, 'router'> => {
  const { request } = generation;
  const preferences = withoutPrice(request.preferences);
  const seed = request.features.conversation ?? generation.generationId;
  const free = candidates(market, generation, preferences)
    .filter(({ price }) => price === 0n)
    .map((candidate) => ({ candidate, place: shortHash(`${seed} ${candidate.model}`) }))
    .sort((one, other) => (one.place < other.place ? -1 : 1))
    .map(({ candidate }) => candidate);
  const order = free.map(({ model }) => model);
  return { models: chooseModels(free, { ...settings, models: order }), preferences };
};

const chooseByTask = async (
  { bus }: ChooserDeps,
  market: Market,
  generation: Generation,
  body: Readonly<Record<string, unknown>>,
): Promise<Omit<Choice, 'router'>> => {
  const { request, caller } = generation;
  const settings = readAutoSettings(body);
  const rules = rulesOf(caller.workspace.taskRules);
  const text = textFeatures(generation, rules, body);
  const rule = ruleFor(rules, await featuresOf(bus, generation, rules, text));
  const preferences = rule === undefined ? request.preferences : withRule(request.preferences, rule);
  const models = chooseModels(candidates(market, generation, preferences), {
    models: rule?.models,
    // The client's own tier is about the whole market; a rule's list stays what it is.
    tier: settings.tier ?? rule?.tier ?? (rule === undefined ? 'medium' : undefined),
    allowed: settings.allowed,
    excluded: settings.excluded,
  });
  return { rule: rule?.name ?? 'none', task: text.task, difficulty: text.difficulty, models, preferences };
};

/** The reader of the request cannot know that its plugin has an effect this time. */
const forgetWarning = ({ warnings }: Generation): void => {
  const at = warnings.findIndex(({ message }) => message.startsWith('The plugin auto-router '));
  if (at >= 0) warnings.splice(at, 1);
};

/** Undefined, and no promise, where the request names its models itself. @throws WaystationError `invalid_request`, `model_not_found`, `no_endpoints`, `snapshot_stale` */
export const chooseForTask = (deps: ChooserDeps, generation: Generation): Promise<Choice> | undefined => {
  const asked = generation.request.models;
  const models =
    asked.length > 0 ? asked : [generation.caller.workspace.defaultModel].filter((model) => model !== undefined);
  const router = routerNamed(models);
  return router === undefined ? undefined : choose(deps, generation, router, models);
};

const choose = async (
  deps: ChooserDeps,
  generation: Generation,
  router: string,
  models: readonly string[],
): Promise<Choice> => {
  if (TEXT_DIALECTS[generation.request.features.dialect] === undefined)
    throw invalid(`${router} chooses models for conversations only; name a model for this job`);
  if (!deps.catalog.ready)
    throw new WaystationError('snapshot_stale', 'The catalog has not been loaded yet; try again.', {
      retryAfterMs: 1000,
    });
  if (generation.caller.policies === undefined)
    throw new WaystationError('snapshot_stale', 'A guardrail of the key has not arrived here yet; try again.', {
      retryAfterMs: 1000,
    });
  const market = { catalog: deps.catalog.current, policies: deps.policies.current };
  const body = bodyOf(generation);
  const chosen =
    routerOf(router) === 'free'
      ? chooseFree(market, generation, readAutoSettings(body))
      : await chooseByTask(deps, market, generation, body);
  if (chosen.models.length === 0) throw noModel(router, chosen.rule);
  forgetWarning(generation);
  // Models that stand beside it keep their places.
  const inPlace = models.flatMap((model) => (model === router ? chosen.models : [model]));
  return { ...chosen, router, models: [...new Set(inPlace)] };
};
