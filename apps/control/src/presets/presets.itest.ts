// Presets and task rules against a real Postgres: versions that stay, what is published of them, and that nobody sees or changes another workspace's.
import { postgresDatabase } from '@waystation/testing';
import { PROJECTIONS } from '../projection/entities.js';
import { DEFAULT, startTestControl, type TestControl } from '../test-control.js';
import { PresetsHandler } from './presets.handler.js';
import { TaskRulesHandler } from './task-rules.handler.js';

let control: TestControl;
let presets: PresetsHandler;
let rules: TaskRulesHandler;
beforeAll(async () => {
  control = await startTestControl(await postgresDatabase());
  presets = new PresetsHandler(control.changes, control.reader);
  rules = new TaskRulesHandler(control.changes, control.reader);
}, 120_000);
afterAll(() => control.stop());

const PAGE = { offset: 0, limit: 100 };
const published = async (id: string): Promise<unknown> =>
  (await control.writer.transaction((runner) => PROJECTIONS.preset.read(runner, [id])))[0]?.entry;

it('a preset is kept in versions, of which the designated one is published', async () => {
  const one = { ...DEFAULT, slug: 'brief' };
  const first = await presets.put({ ...one, config: { temperature: 0 }, systemPrompt: 'S' });
  expect(first.preset).toMatchObject({ slug: 'brief', name: 'brief', status: 'active', designated: { number: 1 } });
  expect(await presets.put({ ...one, config: { temperature: 0 }, systemPrompt: 'S' })).toEqual(first);
  const { preset } = await presets.put({ ...one, config: { temperature: 1 } });
  expect(preset.designated).toMatchObject({ number: 2, config: { temperature: 1 } });
  expect(preset.designated).not.toHaveProperty('systemPrompt');
  expect(await published(preset.id)).toMatchObject({ slug: 'brief', number: 2, config: { temperature: 1 } });

  const back = await presets.update({ ...one, changes: { designated: 1, status: 'disabled', description: 'old' } });
  expect(back.preset).toMatchObject({ description: 'old', status: 'disabled', designated: { number: 1 } });
  expect(await published(preset.id)).toMatchObject({ number: 1, status: 'disabled', systemPrompt: 'S' });
  expect((await presets.versions({ ...one, ...PAGE })).versions.map(({ number }) => number)).toEqual([2, 1]);
  expect(await presets.versions({ ...one, ...PAGE, number: 1 })).toMatchObject({ versions: [{ number: 1 }] });
  expect(await presets.get(one)).toEqual(back);
  expect((await presets.list({ ...DEFAULT, ...PAGE })).presets).toMatchObject([
    { slug: 'brief', designatedId: back.preset.designated.id },
  ]);
  expect((await control.audited()).filter((told) => told.endsWith(preset.id))).toEqual(
    ['created', 'version-added', 'updated'].map((verb) => `preset.${verb} ${preset.id}`),
  );
});

it('what is not there is not found, and what is too large is refused; nothing is written', async () => {
  const none = { ...DEFAULT, slug: 'none' };
  const before = await control.audited();
  for (const work of [
    () => presets.get(none),
    () => presets.update({ ...none, changes: {} }),
    () => presets.versions({ ...none, ...PAGE }),
    () => presets.update({ ...DEFAULT, slug: 'brief', changes: { designated: 9 } }),
    () => presets.versions({ ...DEFAULT, slug: 'brief', ...PAGE, number: 9 }),
    () => presets.get({ ...DEFAULT, workspaceId: 'other', slug: 'brief' }),
  ])
    await expect(work()).rejects.toMatchObject({ code: 'not_found' });
  await expect(presets.put({ ...none, config: {}, systemPrompt: 'x'.repeat(65_536) })).rejects.toMatchObject({
    code: 'invalid_request',
    message: expect.stringContaining('at most 65536 bytes'),
  });
  expect(await control.audited()).toEqual(before);
});

it('two workspaces have presets of one name, and a key sees those of its own', async () => {
  const mine = await presets.put({ ...DEFAULT, slug: 'shared', config: { seed: 1 } });
  const theirs = await presets.put({ ...DEFAULT, workspaceId: 'other', slug: 'shared', config: { seed: 2 } });
  expect(mine.preset.id).not.toBe(theirs.preset.id);
  const { principal } = await control.newKey();
  expect(await presets.get({ ...DEFAULT, principal, slug: 'shared' })).toEqual(mine);
  await expect(presets.get({ ...DEFAULT, principal, workspaceId: 'other', slug: 'shared' })).rejects.toMatchObject({
    code: 'not_found',
  });
});

it('versions are never changed by the service', async () => {
  await expect(control.writer.query(`update preset_versions set config = '{}'`)).rejects.toThrow(/permission denied/);
});

it('task rules travel with their workspace, and one that does not compile is refused with its place', async () => {
  const good = [{ name: 'night', when: 'hour >= 22', tier: 'low' as const }];
  expect(await rules.get(DEFAULT)).toEqual({ rules: null });
  expect(await rules.put({ ...DEFAULT, rules: good })).toEqual({ rules: good });
  expect((await control.workspaceOf('default'))?.taskRules).toEqual(good);
  await expect(rules.put({ ...DEFAULT, rules: [{ name: 'bad', when: 'hour >', tier: 'low' }] })).rejects.toMatchObject({
    code: 'invalid_request',
    message: expect.stringContaining('at character 7'),
  });
  expect(await rules.get(DEFAULT)).toEqual({ rules: good });
  await rules.put({ ...DEFAULT, rules: null });
  expect(await control.workspaceOf('default')).not.toHaveProperty('taskRules');
});
