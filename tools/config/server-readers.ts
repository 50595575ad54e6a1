// The very code with which the station reads requests, out of its build: a file is judged before anything is sent, in the words of the server. What only the running
// station can say (a model that nobody offers, a provider that does not answer) comes when it is applied.
import path from 'node:path';
import type * as ReadKeys from '../../apps/ingress/src/management/read-key-settings.ts';
import type * as ReadLimit from '../../apps/ingress/src/management/read-limit.ts';
import type * as ReadGuardrail from '../../apps/ingress/src/management/read-guardrail.ts';
import type * as ReadPreset from '../../apps/ingress/src/management/read-preset.ts';
import type * as ReadSurcharges from '../../apps/ingress/src/management/read-surcharges.ts';
import type * as ReadTaskRules from '../../apps/ingress/src/management/read-task-rules.ts';
import type * as ReadConfigFile from '../../apps/control/src/config-file/read-config-file.ts';
import { problemsOf } from '../../apps/control/src/config-file/name-problems.ts';
import { repositoryRoot } from '../../libs/testing/src/servers/paths.ts';
import { pathOf } from './path-of.ts';
import type { ReadThing, Refusal } from './read-station-file.ts';
import { DEFAULT_GUARDRAIL, type Json, type Section } from './station.ts';

export class NotBuilt extends Error {
  override name = 'NotBuilt';
}

/** A file of the build; its types are those of the source. */
const built = async <Module>(app: string, file: string): Promise<Module> =>
  (await import(path.join(repositoryRoot, 'apps', app, 'dist', `${file}.js`)).catch((cause: unknown) => {
    throw new NotBuilt('the project is not built: npm run build first', { cause });
  })) as Module;

const without = (said: Json, ...names: readonly string[]): Json =>
  Object.fromEntries(Object.entries(said).filter(([name]) => !names.includes(name)));
const body = (said: Json): Buffer => Buffer.from(JSON.stringify(said));
const textOr = (value: unknown, other: string): string => (typeof value === 'string' ? value : other);

export const serverReaders = async (): Promise<ReadThing> => {
  const [keys, limits, guardrails, presets, surcharges, rules, providers, { openAiChat }] = await Promise.all([
    built<typeof ReadKeys>('ingress', 'management/read-key-settings'),
    built<typeof ReadLimit>('ingress', 'management/read-limit'),
    built<typeof ReadGuardrail>('ingress', 'management/read-guardrail'),
    built<typeof ReadPreset>('ingress', 'management/read-preset'),
    built<typeof ReadSurcharges>('ingress', 'management/read-surcharges'),
    built<typeof ReadTaskRules>('ingress', 'management/read-task-rules'),
    built<typeof ReadConfigFile>('control', 'config-file/read-config-file'),
    import('@waystation/dialects'),
  ]);
  const chat = { ...openAiChat, name: 'openai-chat' } as const;
  const names = (said: Json, field: string): Refusal[] => {
    const { [field]: list = [] } = said;
    const good = Array.isArray(list) && list.every((each) => typeof each === 'string' && each !== '');
    return good ? [] : [{ at: [field], problem: 'Expected a list of names' }];
  };

  const READERS: Readonly<Record<Section, (said: Json) => readonly Refusal[]>> = {
    keys: (said) => [
      ...refusalsOf(() => keys.readNewKey(body(without(said, 'disabled')))),
      ...refusalsOf(() =>
        keys.readKeyChanges(body(said['disabled'] === undefined ? {} : { disabled: said['disabled'] })),
      ),
    ],
    limits: (said) => refusalsOf(() => limits.readLimit(body(said))),
    guardrails: (said) => [
      ...refusalsOf(() =>
        guardrails.readGuardrailChanges(
          body(without(said, 'keys', 'members', ...(said['name'] === DEFAULT_GUARDRAIL ? ['name'] : []))),
        ),
      ),
      ...names(said, 'keys'),
      ...names(said, 'members'),
    ],
    presets: (said) => {
      const settings = said['settings'] ?? {};
      const message =
        said['system'] === undefined || said['system'] === null ? [] : [{ role: 'system', content: said['system'] }];
      return [
        ...refusalsOf(() => presets.newSlugOf(textOr(said['slug'], ''))),
        ...refusalsOf(() => presets.readPresetChanges(body(without(said, 'slug', 'settings', 'system')))),
        ...(said['system'] === undefined || said['system'] === null || typeof said['system'] === 'string'
          ? []
          : [{ at: ['system'], problem: 'Expected text' }]),
        ...refusalsOf(() => {
          const { config } = presets.readPresetSettings(chat, body({ ...objectOr(settings), messages: message }));
          const stray = Object.keys(objectOr(settings)).find((name) => !Object.hasOwn(config, name));
          if (stray !== undefined) throw new Error(`${stray}: is no setting of a preset`);
        }).map(({ at, problem }) => ({ at: ['settings', ...at], problem })),
      ];
    },
    surcharges: (said) =>
      refusalsOf(() => surcharges.readSurcharges(body({ markup_percent: 0, byok_fee_percent: 0, ...said }))),
    task_rules: (said) =>
      refusalsOf(() => rules.readTaskRules(body(said))).map(({ at, problem }) => ({ at: at.slice(1), problem })),
    private_providers: (said) => {
      const reading = providers.readProvider(said, () => '');
      return 'issues' in reading
        ? reading.issues.flatMap((issue) =>
            problemsOf(said, issue).map(({ at, key, problem }) => ({
              at: key === undefined ? at : [...at, key],
              problem,
            })),
          )
        : [];
    },
  };
  return (section, said) => READERS[section](said);
};

const objectOr = (value: unknown): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value)) : {};

/** What a reader throws names its field first. */
const refusalsOf = (read: () => unknown): Refusal[] => {
  try {
    read();
    return [];
  } catch (error) {
    const { at, problem } = pathOf(error instanceof Error ? error.message : String(error));
    return [{ at, problem }];
  }
};
