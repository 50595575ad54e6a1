// What a station has, read over its management API, as a file would say it.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { ApiRefusal, type ManagementApi } from './management-api.ts';
import { SEALED } from './read-station-file.ts';
import { DEFAULT_GUARDRAIL, nameOfThing, wholeSettings, type FoundThing, type Json, type Section } from './station.ts';

const json = z.record(z.string(), z.unknown());
const key = z.looseObject({ hash: z.string(), is_management_key: z.boolean() });
const guardrail = z.looseObject({ id: z.string(), name: z.string() });
const assignments = z.array(
  z.looseObject({ guardrail_id: z.string(), key_hash: z.string().optional(), user_id: z.string().optional() }),
);
const preset = z.looseObject({
  slug: z.string(),
  designated_version: z.object({ config: json, system_prompt: z.string().nullable() }).loose(),
});
const provider = z.object({ slug: z.string(), provider: json, key: z.enum(['sealed', 'variable', 'none']) }).loose();
const dataOf = <Schema extends z.ZodType>(schema: Schema, answer: unknown): z.infer<Schema> =>
  schema.parse(z.object({ data: z.unknown() }).parse(answer).data);

const pick = (value: Json, names: readonly string[]): Json =>
  Object.fromEntries(names.filter((name) => name in value).map((name) => [name, value[name]]));
const without = (value: Json, ...names: readonly string[]): Json =>
  Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)));
const found = (section: Section, id: string, said: Json, more: Partial<FoundThing> = {}): FoundThing => ({
  ...{ section, id, name: nameOfThing(section, said) ?? id, settings: wholeSettings(section, said) },
  ...more,
});

const PAGE = 100;
const KEY = ['name', 'limit', 'limit_reset', 'include_byok_in_limit', 'disabled', 'expires_at', 'creator_user_id'];
const LIMIT = ['scope', 'scope_id', 'metric', 'window', 'free_only', 'limit', 'include_byok'];
const PROVIDER_LIST = '/private/providers';

/** @throws ApiRefusal where the key may not see a section that is asked for */
export const readStation = async (
  api: ManagementApi,
  workspace: string,
  managementKey: string,
  sections: ReadonlySet<Section>,
): Promise<FoundThing[]> => {
  const own = createHash('sha256').update(managementKey).digest('hex');
  const READERS: Readonly<Record<Section, () => Promise<FoundThing[]>>> = {
    async surcharges() {
      const rates = dataOf(json, await api.ask('GET', `/workspaces/${workspace}/surcharges`));
      return [found('surcharges', workspace, pick(rates, ['markup_percent', 'byok_fee_percent']), { kept: true })];
    },
    async private_providers() {
      const providers = z.array(provider).parse(await api.list(PROVIDER_LIST, PAGE, true));
      return providers.map(({ slug, provider: said, key: place }) =>
        found(
          'private_providers',
          slug,
          { ...said, apiKey: place === 'sealed' ? SEALED : (said['apiKey'] ?? null) },
          { name: slug },
        ),
      );
    },
    keys: async () =>
      (await keysOf()).filter(({ management, thing }) => !management && thing.id !== own).map(({ thing }) => thing),
    async limits() {
      const limits = dataOf(z.array(json), await api.ask('GET', `/workspaces/${workspace}/limits`));
      return limits.map((limit) =>
        found('limits', new URLSearchParams(limitQuery(limit)).toString(), pick(limit, LIMIT)),
      );
    },
    async guardrails() {
      const [all, ofKeys, ofMembers, names, everybodys] = await Promise.all([
        api.list('/guardrails', PAGE, true),
        api.list('/guardrails/assignments/keys', PAGE, true),
        api.list('/guardrails/assignments/members', PAGE, true),
        keysOf(),
        api.ask('GET', `/guardrails/${DEFAULT_GUARDRAIL}`).then((answer) => dataOf(guardrail, answer).id, nothing),
      ]);
      const nameOfKey = new Map(names.map(({ thing }) => [thing.id, thing.name]));
      return z
        .array(guardrail)
        .parse(all)
        .map(({ id, name, ...shown }) => {
          const keys = assignments
            .parse(ofKeys)
            .filter((each) => each.guardrail_id === id)
            .map((each) => nameOfKey.get(each.key_hash ?? '') ?? each.key_hash);
          const members = assignments
            .parse(ofMembers)
            .filter((each) => each.guardrail_id === id)
            .map((each) => each.user_id);
          return found('guardrails', id, {
            ...without(shown, 'workspace_id', 'created_at', 'updated_at'),
            name: id === everybodys ? DEFAULT_GUARDRAIL : name,
            keys,
            members,
          });
        });
    },
    async presets() {
      const listed = z
        .array(z.looseObject({ slug: z.string(), status: z.string() }))
        .parse(await api.list('/presets', PAGE, true));
      const whole: FoundThing[] = [];
      for (const { slug } of listed) {
        const { designated_version: version, ...rest } = dataOf(preset, await api.ask('GET', `/presets/${slug}`));
        const said = {
          ...pick(rest, ['slug', 'name', 'description', 'status']),
          system: version.system_prompt,
          settings: version.config,
        };
        // There is no way to delete one: archived is gone.
        whole.push(found('presets', slug, said, rest['status'] === 'archived' ? { kept: true } : {}));
      }
      return whole;
    },
    async task_rules() {
      const { rules, is_default: usual } = dataOf(
        z.object({ rules: z.array(json), is_default: z.boolean() }),
        await api.ask('GET', '/task-rules'),
      );
      return usual ? [] : [found('task_rules', 'task_rules', { rules })];
    },
  };
  const keysOf = async () =>
    z
      .array(key)
      .parse(await api.list('/keys?include_disabled=true', PAGE, false))
      .map((each) => ({
        management: each.is_management_key,
        thing: found('keys', each.hash, pick(each, KEY)),
      }));
  const things: FoundThing[] = [];
  for (const section of sections) things.push(...(await READERS[section]()));
  return things;
};

const nothing = (error: unknown): undefined => {
  if (error instanceof ApiRefusal && error.status === 404) return undefined;
  throw error;
};

/** Names a limit in a query. */
export const limitQuery = (limit: Json): Record<string, string> => ({
  ...{ scope: String(limit['scope']), metric: String(limit['metric']), window: String(limit['window']) },
  ...(limit['scope_id'] === null || limit['scope_id'] === undefined ? {} : { scope_id: String(limit['scope_id']) }),
  ...(limit['free_only'] === true ? { free_only: 'true' } : {}),
});

/** The workspace that a key acts in. */
export const workspaceOfKey = async (api: ManagementApi): Promise<string> =>
  dataOf(z.looseObject({ workspace_id: z.string() }), await api.ask('GET', '/key')).workspace_id;
