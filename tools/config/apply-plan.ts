// Does a plan over the management API, one action after the other. What is refused ends it, with the thing that it is about; what was done until then stays done, and the
// next plan says what is left. Limits are the exception: budgets lean on each other, so that one that is refused may be taken once another has changed.
import { z } from 'zod';
import { ApiRefusal, type ManagementApi } from './management-api.ts';
import type { Action, Plan } from './plan.ts';
import { limitQuery } from './read-station.ts';
import { DEFAULT_GUARDRAIL, type FoundThing, type Json, type Section, type Thing } from './station.ts';

export class ApplyFault extends Error {
  override name = 'ApplyFault';
  readonly action: Action;
  constructor(action: Action, cause: ApiRefusal) {
    super(cause.message, { cause });
    this.action = action;
  }
}

export interface Work {
  readonly api: ManagementApi;
  readonly workspace: string;
  /** With secrets in the clear. */
  saidOf(thing: Thing): Json;
  readonly found: readonly FoundThing[];
  done(action: Action): void;
  /** The text of a new key, which is told once. */
  keepKey(name: string, key: string): Promise<void>;
}

const UNPROCESSABLE = new Set([400, 409, 422]);
const newKey = z.object({ data: z.looseObject({ hash: z.string() }), key: z.string() });
const newGuardrail = z.object({ data: z.looseObject({ id: z.string() }) });

export const applyPlan = async (plan: Plan, work: Work): Promise<void> => {
  const hashes = new Map(work.found.filter(({ section }) => section === 'keys').map(({ name, id }) => [name, id]));
  const isLimit = (action: Action): boolean => sectionOf(action) === 'limits';
  let limits: readonly Action[] = plan.actions.filter(isLimit);
  let limitsAreDone = false;
  for (const action of plan.actions) {
    if (!isLimit(action)) await doOne(action, work, hashes);
    else if (!limitsAreDone) {
      limitsAreDone = true;
      while (limits.length > 0) limits = await onePass(limits, work, hashes);
    }
  }
};

const sectionOf = (action: Action): Section => (action.does === 'delete' ? action.found.section : action.thing.section);

/** Answers what is to be tried again. Throws where a whole pass changed nothing. */
const onePass = async (actions: readonly Action[], work: Work, hashes: Map<string, string>): Promise<Action[]> => {
  const refused: { readonly action: Action; readonly fault: ApplyFault }[] = [];
  for (const action of actions) {
    try {
      await doOne(action, work, hashes);
    } catch (error) {
      if (
        !(error instanceof ApplyFault) ||
        !(error.cause instanceof ApiRefusal) ||
        !UNPROCESSABLE.has(error.cause.status)
      )
        throw error;
      refused.push({ action, fault: error });
    }
  }
  const [first] = refused;
  if (first !== undefined && refused.length === actions.length) throw first.fault;
  return refused.map(({ action }) => action);
};

const doOne = async (action: Action, work: Work, hashes: Map<string, string>): Promise<void> => {
  try {
    if (action.does === 'delete') await remove(action.found, work);
    else await put(action.thing, action.does === 'update' ? action.found : undefined, work, hashes);
  } catch (error) {
    throw error instanceof ApiRefusal ? new ApplyFault(action, error) : error;
  }
  work.done(action);
};

const remove = ({ section, id, name }: FoundThing, { api, workspace }: Work): Promise<unknown> => {
  switch (section) {
    case 'private_providers':
      return api.ask('DELETE', `/private/providers/${id}`);
    case 'keys':
      return api.ask('DELETE', `/keys/${id}`);
    case 'limits':
      return api.ask('DELETE', `/workspaces/${workspace}/limits?${id}`);
    case 'guardrails':
      return api.ask('DELETE', `/guardrails/${name === DEFAULT_GUARDRAIL ? DEFAULT_GUARDRAIL : id}`);
    case 'presets':
      return api.ask('PATCH', `/presets/${id}`, { status: 'archived' });
    case 'task_rules':
      return api.ask('DELETE', '/task-rules');
    case 'surcharges':
      return api.ask('PUT', `/workspaces/${workspace}/surcharges`, { markup_percent: 0, byok_fee_percent: 0 });
    default:
      return section satisfies never;
  }
};

const without = (said: Json, ...names: readonly string[]): Json =>
  Object.fromEntries(Object.entries(said).filter(([name]) => !names.includes(name)));

const put = async (
  thing: Thing,
  found: FoundThing | undefined,
  work: Work,
  hashes: Map<string, string>,
): Promise<void> => {
  const { section, name, settings } = thing;
  const { api, workspace } = work;
  switch (section) {
    case 'private_providers':
      return putProvider(thing, found, work);
    case 'keys':
      return putKey(thing, found, work, hashes);
    case 'limits':
      if (found !== undefined && new URLSearchParams(limitQuery(settings)).toString() !== found.id)
        throw new Error(`limit ${name} is not ${found.id}`);
      await api.ask('PUT', `/workspaces/${workspace}/limits`, settings);
      return;
    case 'guardrails':
      return putGuardrail(thing, found, work, hashes);
    case 'presets':
      return putPreset(thing, found, work);
    case 'task_rules':
      await api.ask('PUT', '/task-rules', settings);
      return;
    case 'surcharges':
      await api.ask('PUT', `/workspaces/${workspace}/surcharges`, settings);
      return;
    default:
      return section satisfies never;
  }
};

/** Tried by a worker as it is made or changed. Its secret goes with every change, for what is kept cannot be read back and compared. */
const putProvider = async (thing: Thing, found: FoundThing | undefined, { api, saidOf }: Work): Promise<void> => {
  const said = saidOf(thing);
  if (found === undefined) {
    await api.ask('POST', '/private/providers', said);
    return;
  }
  const gone = Object.keys(found.settings).filter((member) => said[member] === undefined);
  await api.ask('PATCH', `/private/providers/${found.id}`, {
    ...Object.fromEntries(gone.map((member) => [member, null])),
    ...said,
  });
};

const putKey = async (
  { name, settings }: Thing,
  found: FoundThing | undefined,
  { api, keepKey }: Work,
  hashes: Map<string, string>,
): Promise<void> => {
  const { expires_at: expires, creator_user_id: member, ...changes } = settings;
  if (found !== undefined) {
    await api.ask('PATCH', `/keys/${found.id}`, changes);
    return;
  }
  const once = {
    ...(expires === null ? {} : { expires_at: expires }),
    ...(member === null ? {} : { creator_user_id: member }),
  };
  const made = newKey.parse(await api.ask('POST', '/keys', { ...without(changes, 'disabled'), ...once }));
  hashes.set(name, made.data.hash);
  await keepKey(name, made.key);
  if (changes['disabled'] === true) await api.ask('PATCH', `/keys/${made.data.hash}`, { disabled: true });
};

const namesOf = (settings: Json | undefined, field: string): string[] => {
  const list = settings?.[field];
  return Array.isArray(list) ? list.map(String) : [];
};

const putGuardrail = async (
  thing: Thing,
  found: FoundThing | undefined,
  { api }: Work,
  hashes: Map<string, string>,
): Promise<void> => {
  const { name, settings } = thing;
  const body = without(settings, 'keys', 'members');
  let id = name === DEFAULT_GUARDRAIL ? DEFAULT_GUARDRAIL : found?.id;
  if (id === undefined) id = newGuardrail.parse(await api.ask('POST', '/guardrails', body)).data.id;
  else await api.ask('PATCH', `/guardrails/${id}`, without(body, ...(name === DEFAULT_GUARDRAIL ? ['name'] : [])));
  const kinds = [
    { field: 'keys', member: 'key_hashes', idOf: (each: string) => hashes.get(each) ?? each },
    { field: 'members', member: 'member_user_ids', idOf: (each: string) => each },
  ];
  for (const { field, member, idOf } of kinds) {
    const [is, becomes] = [namesOf(found?.settings, field), namesOf(settings, field)];
    const added = becomes.filter((each) => !is.includes(each)).map(idOf);
    const removed = is.filter((each) => !becomes.includes(each)).map(idOf);
    if (added.length > 0) await api.ask('POST', `/guardrails/${id}/assignments/${field}`, { [member]: added });
    if (removed.length > 0)
      await api.ask('POST', `/guardrails/${id}/assignments/${field}/remove`, { [member]: removed });
  }
};

/** Other settings are another version, which is the designated one then. */
const putPreset = async (thing: Thing, found: FoundThing | undefined, { api }: Work): Promise<void> => {
  const { slug, system, settings, ...rest } = thing.settings;
  const isNew =
    found === undefined ||
    JSON.stringify([found.settings['system'], found.settings['settings']]) !== JSON.stringify([system, settings]);
  const messages = system === null ? {} : { messages: [{ role: 'system', content: system }] };
  const said = typeof settings === 'object' ? settings : {};
  if (isNew) await api.ask('POST', `/presets/${String(slug)}/chat/completions`, { ...said, ...messages });
  await api.ask('PATCH', `/presets/${String(slug)}`, rest);
};
